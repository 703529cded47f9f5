"""Fresh databases for tests. Migrations run once per session and service, into a template that each test gets a copy of."""

import importlib.util
import secrets
from collections.abc import Iterable

from plumbing.postgres import migrations
from stack import DatabaseAddresses, Stack
from stack.waiting import run_in_thread


class Databases:
    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._templates: dict[str, str] = {}

    def migrated(self, service: str) -> DatabaseAddresses:
        """A database as `python -m services.<service> migrate` leaves it; empty where the service has no migrations."""
        if service not in self._templates:
            self._templates[service] = self._make_template(service)
        return self._stack.create_database(service, suffix=_suffix(), template=self._templates[service])

    def empty(self, service: str) -> DatabaseAddresses:
        return self._stack.create_database(service, suffix=_suffix())

    def drop(self, made: Iterable[DatabaseAddresses]) -> None:
        for addresses in made:
            self._stack.drop_database(addresses.name)

    def close(self) -> None:
        for name in self._templates.values():
            self._stack.drop_database(name)

    def _make_template(self, service: str) -> str:
        addresses = self.empty(service)
        package = f"services.{service}.migrations"
        if importlib.util.find_spec(package) is not None:
            run_in_thread(lambda: migrations.upgrade(package, addresses.owner_dsn, role=addresses.role))
        return addresses.name


def _suffix() -> str:
    return f"_{secrets.token_hex(6)}"
