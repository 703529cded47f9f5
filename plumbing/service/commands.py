"""`python -m services.<name> serve|migrate|config` and its exit codes.

0 a clean stop, also on SIGTERM after draining · 1 a crash · 2 wrong usage · 69 a dependency was not there in time ·
78 bad configuration. A command that only some services have may add codes of its own, which its file tells.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

import structlog
import uvloop

from plumbing.errors import Unavailable
from plumbing.postgres import is_missing, is_transient
from plumbing.service.runner import DependencyMissing
from plumbing.service.settings import BadConfiguration, MigrationSettings, ServiceSettings, load, shown
from plumbing.telemetry import logs

Settings = TypeVar("Settings", bound=ServiceSettings)

EXIT_CRASH, EXIT_USAGE, EXIT_DEPENDENCY, EXIT_CONFIGURATION = 1, 2, 69, 78


def main(
    name: str,
    settings: type[Settings],
    serve: Callable[[Settings], Awaitable[None]],
    *,
    more: Mapping[str, Callable[[Settings, Sequence[str]], Awaitable[int]]] | None = None,
    arguments: Sequence[str] | None = None,
) -> int:
    """Run one command of the service `name`; `more` are the commands that only this service has."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    commands = ["serve", "migrate", "config", *(more or {})]
    if not given or given[0] not in commands:
        print(f"usage: python -m services.{name} {'|'.join(commands)}", file=sys.stderr)
        return EXIT_USAGE
    try:
        return _run(name, settings, serve, more or {}, given)
    except BadConfiguration as error:
        print(f"{name}: bad configuration\n{error}", file=sys.stderr)
        return EXIT_CONFIGURATION
    except DependencyMissing as error:
        print(f"{name}: {error}", file=sys.stderr)
        return EXIT_DEPENDENCY


def _run(
    name: str,
    settings: type[Settings],
    serve: Callable[[Settings], Awaitable[None]],
    more: Mapping[str, Callable[[Settings, Sequence[str]], Awaitable[int]]],
    given: Sequence[str],
) -> int:
    match given[0]:
        case "migrate":
            return _migrate(name)
        case "config":
            print(json.dumps(shown(load(settings)), indent=2, default=str))
            return 0
        case "serve":
            configured = load(settings)
            logs.configure(name, configured.log_level)
            return uvloop.run(_serve(serve, configured))
        case other:
            configured = load(settings)
            logs.configure(name, configured.log_level)
            return asyncio.run(_more(more[other](configured, given[1:])))


async def _more(command: Awaitable[int]) -> int:
    try:
        return await command
    except Exception as error:
        if is_transient(error):
            what = str(error) if isinstance(error, Unavailable) else f"something is not there ({type(error).__name__})"
            raise DependencyMissing(what) from None
        raise


async def _serve(serve: Callable[[Settings], Awaitable[None]], settings: Settings) -> int:
    try:
        await serve(settings)
    except (DependencyMissing, BadConfiguration):  # told by `main`, each with its exit code
        raise
    except BaseException as error:
        structlog.get_logger("services").error("service crashed", exc_info=error)
        if not isinstance(error, Exception):
            raise
        return EXIT_CRASH
    return 0


def _migrate(name: str) -> int:
    from plumbing.postgres import migrations  # some 30 MB that a running service has no use for

    settings = load(MigrationSettings)
    logs.configure(name)  # a crash would quote the address, with its password, or a row
    try:
        role = migrations.role_of(settings.database_url.get_secret_value())
    except ValueError as error:
        raise BadConfiguration(str(error)) from None
    try:
        migrations.upgrade(f"services.{name}.migrations", settings.database_owner_url.get_secret_value(), role=role)
    except Exception as error:
        if is_transient(error) or is_missing(error):
            raise DependencyMissing(f"database is not there ({type(error).__name__})") from None
        raise
    print(f"{name}: database is at the newest version")
    return 0
