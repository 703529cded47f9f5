"""The scanner's configuration: its limits lie above ours, what it did not look at alerts, and its signatures are ours."""

import re
from typing import Final

import pytest

from services.uploads.domain.limits import DEFAULT, MIB
from services.uploads.settings import Settings
from stack.settings import CLAMD_CONF, SIGNATURES, TEST_SIGNATURE, TEST_SIGNATURE_NAME

_LINES: Final = [line.split() for line in CLAMD_CONF.read_text().splitlines() if line and not line.startswith("#")]
_TOLD: Final = {name: " ".join(values) for name, *values in _LINES}


def _bytes(setting: str) -> int:
    number, unit = re.fullmatch(r"(\d+)([KM])", _TOLD[setting]).groups()  # type: ignore[union-attr]
    return int(number) * (MIB if unit == "M" else 1024)


def test_nothing_is_said_twice() -> None:
    assert len(_LINES) == len(_TOLD)


def test_every_limit_lies_above_what_we_would_take() -> None:
    assert DEFAULT.file_bytes < _bytes("StreamMaxLength") <= _bytes("MaxFileSize") <= _bytes("MaxScanSize")
    assert DEFAULT.inflated_bytes < _bytes("MaxFileSize")
    assert DEFAULT.file_bytes + DEFAULT.inflated_bytes < _bytes("MaxScanSize")
    assert _bytes("PCREMaxFileSize") == _bytes("MaxFileSize")


@pytest.mark.parametrize("alert", ["AlertExceedsMax", "AlertEncrypted", "AlertBrokenMedia"])
def test_what_was_not_looked_at_alerts(alert: str) -> None:
    assert _TOLD[alert] == "yes"


def test_threads_queue_and_patience_are_bounded() -> None:
    assert 2 * int(_TOLD["MaxThreads"]) <= int(_TOLD["MaxQueue"]) <= 32
    assert 0 < int(_TOLD["MaxScanTime"]) < 1000 * Settings.model_fields["clamd_seconds"].default
    assert 0 < int(_TOLD["ReadTimeout"]) <= 60
    assert 0 < int(_TOLD["CommandReadTimeout"]) <= 60


def test_the_way_in_is_tcp_alone() -> None:
    assert "LocalSocket" not in _TOLD
    assert _TOLD["TCPSocket"] == "3310"


def test_its_log_goes_to_standard_output_and_clean_files_leave_no_line() -> None:
    assert "LogFile" not in _TOLD
    assert (_TOLD["Foreground"], _TOLD["LogClean"], _TOLD["LogSyslog"]) == ("yes", "no", "no")


def test_the_test_signature_is_the_text_that_tests_use() -> None:
    name, target, offset, found = (SIGNATURES / "mitsyg-test.ndb").read_text().strip().split(":")

    assert f"{name}.UNOFFICIAL" == TEST_SIGNATURE_NAME
    assert (target, offset, bytes.fromhex(found)) == ("0", "*", TEST_SIGNATURE)


def test_no_other_signature_is_there_but_that_of_the_test_file_all_scanners_know() -> None:
    name, target, offset, found = (SIGNATURES / "eicar.ndb").read_text().strip().split(":")

    assert {path.name for path in SIGNATURES.iterdir()} == {"mitsyg-test.ndb", "eicar.ndb"}
    assert (name, target, offset) == ("Eicar-Test-Signature", "0", "0")
    assert len(bytes.fromhex(found)) == 68
    assert b"ANTIVIRUS-TEST-FILE" in bytes.fromhex(found)
