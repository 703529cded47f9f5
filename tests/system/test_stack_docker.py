"""The same stack in containers."""

from collections.abc import Iterator

import pytest

from deploy.kafka import TopicToMake
from stack import ALL_SERVERS, Stack
from stack.catalogue import is_ready
from stack.postgres_admin import is_server_ready
from stack.settings import TEST_SIGNATURE
from tests.support.fixtures import new_buckets, new_run_dir

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def in_docker() -> Iterator[Stack]:
    with pytest.MonkeyPatch.context() as patch, new_run_dir() as run_dir:
        patch.setenv("STACK", "docker")
        stack = Stack.start(run_dir, servers=ALL_SERVERS)
        yield stack
        stack.stop()


def test_topics_and_databases_are_made_in_containers(in_docker: Stack) -> None:
    in_docker.make_topics(TopicToMake(name="letters", partitions=3))
    assert in_docker.create_database("letters").name == "mitsyg_letters"
    assert in_docker.addresses.source == "docker"


def test_buckets_are_made_and_signatures_learnt_in_containers(in_docker: Stack) -> None:
    buckets = new_buckets(in_docker)
    assert [one.name for one in buckets.client("sweeper").list_buckets()] == [buckets.inbound]
    in_docker.learn_signature("MitSyg.Other", b"known as well as " + TEST_SIGNATURE[:6])


def test_a_killed_container_comes_back_at_the_same_address(in_docker: Stack) -> None:
    for name in ALL_SERVERS:
        in_docker.server(name).kill()
        assert not is_ready(name, in_docker.addresses)
    for name in ALL_SERVERS:
        in_docker.server(name).start()
    in_docker.wait_ready()


def test_a_paused_container_answers_nobody_until_it_is_resumed(in_docker: Stack) -> None:
    postgres = in_docker.server("postgres")
    postgres.pause()
    assert not is_server_ready(in_docker.postgres_admin_dsn)
    postgres.resume()
    in_docker.wait_ready()


def test_a_later_command_finds_the_containers(in_docker: Stack) -> None:
    found = Stack.attach(in_docker.run_dir)
    assert found is not None
    assert {server.name for server in found.servers if server.is_alive} == set(ALL_SERVERS)
