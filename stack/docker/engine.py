"""Is there a container engine, and are the images there or to be had within seconds?"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TookTooLong
from contextlib import contextmanager
from pathlib import Path

import docker
import yaml
from docker.errors import DockerException, ImageNotFound

from stack.errors import MissingPiece
from stack.paths import ROOT
from stack.say import say

_PULL_TIMEOUT_S = 10


def image_of(server: str) -> str:
    """The image that docker-compose.yml names for a server: the one place where versions stand."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
    return str(compose["services"][server]["image"])


def is_usable(servers: Sequence[str]) -> bool:
    """Whether an engine answers and every image is there, or can be pulled in ten seconds each."""
    with _connect() as client:
        return client is not None and all(_has_image(client, image_of(server)) for server in servers)


def require(servers: Sequence[str]) -> None:
    """Raises MissingPiece, which names what is missing."""
    with _connect() as client:
        if client is None:
            message = "no container engine answers: start one, or leave STACK=docker out"
            raise MissingPiece(message)
        for server in servers:
            if not _has_image(client, image_of(server)):
                message = f"image {image_of(server)} is not there and could not be pulled within {_PULL_TIMEOUT_S} s"
                raise MissingPiece(message)


def can_be_had(image: str) -> bool:
    """Whether an engine answers and the image is there, or can be pulled in ten seconds."""
    with _connect() as client:
        return client is not None and _has_image(client, image)


@contextmanager
def _connect() -> Iterator[docker.DockerClient | None]:
    host = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
    if host.startswith("unix://") and not Path(host.removeprefix("unix://")).exists():
        yield None
        return
    try:
        client = docker.from_env(timeout=10)  # asks the engine for its version
    except DockerException:
        yield None
        return
    try:
        yield client
    finally:
        client.close()


def _has_image(client: docker.DockerClient, image: str) -> bool:
    try:
        client.images.get(image)
    except ImageNotFound:
        return _pull(client, image)
    except DockerException:
        return False
    return True


def _pull(client: docker.DockerClient, image: str) -> bool:
    say(f"pulling {image}")
    pool = ThreadPoolExecutor(max_workers=1)
    try:
        pool.submit(client.images.pull, image).result(timeout=_PULL_TIMEOUT_S)
    except (DockerException, TookTooLong):
        return False
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
    return True
