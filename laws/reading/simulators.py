"""The gateway's ledger over HTTP, the sender's history from its file, and what processes say of themselves: logs and
metrics."""

import json
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def read_gateway(url: str) -> dict[str, Any]:
    """The whole ledger."""
    found: dict[str, Any] = json.loads(_get(f"{url}/_sim/ledger"))
    return found


def statuses_waiting(url: str) -> int:
    """Status messages that the gateway still pushes."""
    return int(json.loads(_get(f"{url}/_sim/summary"))["status_messages_waiting"])


def read_sent(path: Path) -> list[dict[str, Any]]:
    """The sender's history; a last line cut off by a kill is no line."""
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def read_texts(logs: Path, ops_urls: Mapping[str, str], is_service: Iterable[str]) -> dict[str, str]:
    """Every line of every file of logs, old ones too, and the metrics of the services, by where they stand."""
    texts = {
        f"{path.relative_to(logs)}:{number}": line
        for path in sorted(logs.rglob("*"))
        if path.is_file()
        for number, line in enumerate(path.read_text(errors="backslashreplace").splitlines(), start=1)
    }
    services = tuple(is_service)
    for name, url in ops_urls.items():
        if name.partition("-")[0] in services:
            texts[f"metrics of {name}"] = read_metrics(url)
    return texts


def read_metrics(ops_url: str) -> str:
    """What a service says of itself in numbers."""
    return _get(f"{ops_url}/metrics")


def _get(url: str) -> str:
    with _DIRECT.open(url, timeout=60) as answer:
        text: str = answer.read().decode()
        return text
