"""A container is started without testcontainers' reaper where the reaper's own image cannot be had."""

from pathlib import Path
from typing import Self

import pytest
from testcontainers.core.config import testcontainers_config

from stack.docker import container
from stack.docker.container import Container


class _Recipe:
    """What testcontainers would start; tells whether the reaper was to be there then."""

    started_with_reaper: bool | None = None

    def __init__(self, _image: str) -> None:
        self.ports: dict[str, object] = {}

    def with_envs(self, **_: str) -> Self:
        return self

    def start(self) -> Self:
        type(self).started_with_reaper = not testcontainers_config.ryuk_disabled
        return self

    def get_wrapped_container(self) -> None: ...


@pytest.fixture(autouse=True)
def recipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(container, "DockerContainer", _Recipe)
    monkeypatch.setattr(testcontainers_config, "_ryuk_disabled", False)
    monkeypatch.setattr(_Recipe, "started_with_reaper", None)


def planned(tmp_path: Path, *, outlives_supervisor: bool = False) -> Container:
    return Container.plan(
        "kafka",
        "apache/kafka:4.4.0",
        ports={9092: 29_092},
        env={},
        command=(),
        log_path=tmp_path / "kafka.log",
        outlives_supervisor=outlives_supervisor,
    )


@pytest.mark.parametrize("has_image", [True, False])
def test_the_reaper_is_there_only_where_its_image_can_be_had(
    has_image: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    there = {testcontainers_config.ryuk_image: has_image}
    monkeypatch.setattr(container, "can_be_had", there.__getitem__)
    planned(tmp_path).start()

    assert _Recipe.started_with_reaper is has_image
    assert ("cannot be had" in capsys.readouterr().err) is not has_image


def test_nobody_asks_for_its_image_where_containers_are_to_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(container, "can_be_had", pytest.fail)
    planned(tmp_path, outlives_supervisor=True).start()

    assert _Recipe.started_with_reaper is False
