"""`python -m stack prepare|up|down|status|env|secrets|token|pictures`: the stack from the command line.

`prepare` installs what is missing on the machine. `up` leaves servers, services and simulators running; `down` ends them by
what the run directory remembers and removes their data. `env` prints addresses for a shell (`eval "$(python -m stack env)"`),
never a secret: PostgreSQL's password and the object store's are in files. `token` makes a citizen's token as the
portal will, for whoever asks a service by hand. `pictures` makes those of the README, and of mailboxes where a house runs.
"""

import argparse
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit
from uuid import UUID

from contracts.citizen_token.v1 import LONGEST_LIFE_SECONDS
from contracts.uploads.v1 import AUDIENCE
from stack import catalogue, pictures
from stack.addresses import ALL_SERVERS, MESSAGING, Addresses
from stack.errors import StackError
from stack.house import House
from stack.members import SIMULATORS
from stack.paths import DEFAULT_RUN_DIR, ROOT
from stack.run_file import Remembered, RunFile
from stack.say import say
from stack.secrets_file import FILE_NAME as SECRETS_FILE
from stack.secrets_file import Secrets
from stack.servers import Stack

_PGPASS, _S3_SECRET = "pgpass", "s3-secret"


def main(arguments: list[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    run_dir = given.run_dir.resolve()
    commands: dict[str, Callable[[], int]] = {
        "prepare": _prepare,
        "up": lambda: _up(run_dir, servers_only=given.servers_only, documents=given.documents),
        "down": lambda: _down(run_dir),
        "status": lambda: _status(run_dir),
        "env": lambda: _env(run_dir),
        "secrets": lambda: _secrets(given.file),
        "token": lambda: _token(given),
        "pictures": lambda: _pictures(run_dir, given.directory),
    }
    try:
        return commands[given.command]()
    except StackError as error:
        say(str(error))
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m stack", description=__doc__)
    parser.add_argument("--run-dir", type=Path, default=DEFAULT_RUN_DIR, help="where logs and addresses are kept")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("prepare", help="install and fetch what the servers need, if it is not there")
    up = commands.add_parser("up", help="start servers, services and simulators and leave them running")
    up.add_argument("--servers-only", action="store_true", help="no services and simulators, as tests want them")
    up.add_argument(
        "--documents", action="store_true", help="with --servers-only: a scanner and an object store as well"
    )
    commands.add_parser("down", help="end them all and remove their data")
    commands.add_parser("status", help="who runs, and where")
    commands.add_parser("env", help="addresses as shell variables")
    making = commands.add_parser("secrets", help="make an environment file with new secrets, unless it is there")
    making.add_argument("file", type=Path)
    token = commands.add_parser("token", help="a citizen's token, valid for some minutes")
    token.add_argument("citizen_id", type=UUID)
    token.add_argument("--actor", type=UUID, help="the proxy who acts for the citizen")
    token.add_argument("--audience", default=AUDIENCE, help="the service that is to take it")
    token.add_argument("--secrets", type=Path, help="where the portal's key is; the run directory's if not given")
    picturing = commands.add_parser("pictures", help="picture a letter, and the mailboxes of the house that runs here")
    picturing.add_argument("directory", type=Path, nargs="?", default=ROOT / "docs" / "pictures")
    return parser


def _prepare() -> int:
    Stack.prepare()
    return 0


def _secrets(path: Path) -> int:
    Secrets.load_or_make(path)
    return 0


def _token(given: argparse.Namespace) -> int:
    path = given.secrets or given.run_dir.resolve() / SECRETS_FILE
    if not path.exists():
        say(f"there is no {path}: start something that makes it, or name another by --secrets")
        return 1
    issuer = Secrets.load_or_make(path).portal()
    seconds = LONGEST_LIFE_SECONDS
    print(issuer.token(given.citizen_id, audience=given.audience, actor_id=given.actor, seconds=seconds))
    return 0


def _pictures(run_dir: Path, directory: Path) -> int:
    for path in pictures.letters(directory):
        say(f"made {path}")
    held = RunFile.read(run_dir)
    gateways = [one.url for one in held.house if one.name == "post_gateway"] if held else []
    if not gateways:
        say(
            f"no gateway runs in {run_dir}, so mailboxes are not pictured; `make demo` leaves one with letters in .run/demo"
        )
        return 1
    for path in pictures.mailboxes(directory, gateways[0]):
        say(f"made {path}")
    return 0


def _up(run_dir: Path, *, servers_only: bool, documents: bool) -> int:
    servers = ALL_SERVERS if documents or not servers_only else MESSAGING
    stack = Stack.start(run_dir, servers=servers, outlives_supervisor=True)
    held = RunFile.read(stack.run_dir)
    if not servers_only and not (held and held.house):
        House(stack, outlives_supervisor=True).start().remember()
    return _status(run_dir)


def _down(run_dir: Path) -> int:
    held = RunFile.read(run_dir)
    if held is None:
        say(f"nothing runs in {run_dir}")
        return 0
    held.stop_house()
    if stack := Stack.attach(run_dir):
        stack.stop()
    for name in (_PGPASS, _S3_SECRET):
        (run_dir / name).unlink(missing_ok=True)
    say("everything is ended and its data removed")
    return 0


def _status(run_dir: Path) -> int:
    held = RunFile.read(run_dir)
    if held is None:
        say(f"nothing runs in {run_dir}")
        return 1
    servers = [_print_row(one, catalogue.where(one.name, held.addresses)) for one in held.servers]
    alive = [*servers, *(_print_row(one, one.url) for one in held.house)]
    return 0 if all(alive) else 1


def _print_row(one: Remembered, address: str) -> bool:
    is_alive = one.found().is_alive
    print(f"{one.name:14} {'running' if is_alive else 'ended':8} {one.identity:24} {address:28} log {one.log}")
    return is_alive


def _env(run_dir: Path) -> int:
    held = RunFile.read(run_dir)
    if held is None:
        say(f"nothing runs in {run_dir}; start it: python -m stack up")
        return 1
    variables = {
        "STACK_RUN_DIR": str(run_dir),
        **_servers_variables(run_dir, held.addresses),
        **{_url_variable(one.name): one.url for one in held.house},
    }
    for name, value in variables.items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def _servers_variables(run_dir: Path, addresses: Addresses) -> dict[str, str]:
    variables: dict[str, str] = {}
    if addresses.kafka_bootstrap:
        variables["KAFKA_BOOTSTRAP_SERVERS"] = addresses.kafka_bootstrap
    if addresses.postgres_admin_dsn:
        database = urlsplit(addresses.postgres_admin_dsn)
        variables |= {
            "PGHOST": database.hostname or "",
            "PGPORT": str(database.port or 5432),
            "PGUSER": database.username or "",
            "PGDATABASE": database.path.lstrip("/"),
            "PGPASSFILE": str(_write_password_file(run_dir, database.password or "")),
        }
    if addresses.clamd_host:
        variables |= {"CLAMD_HOST": addresses.clamd_host, "CLAMD_PORT": str(addresses.clamd_port)}
    if addresses.s3_endpoint:
        variables |= {
            "S3_ENDPOINT_URL": addresses.s3_endpoint,
            "S3_REGION": addresses.s3_region,
            "S3_ACCESS_KEY_ID": addresses.s3_access_key,
            "S3_SECRET_ACCESS_KEY_FILE": str(_write_secret(run_dir / _S3_SECRET, addresses.s3_secret_key)),
        }
    return variables


def _url_variable(name: str) -> str:
    word = name.upper().replace("-", "_")
    return f"{word}_URL" if name in SIMULATORS else f"{word}_OPS_URL"


def _write_password_file(run_dir: Path, password: str) -> Path:
    """PostgreSQL's own way to keep a password out of commands and variables."""
    escaped = unquote(password).replace("\\", "\\\\").replace(":", "\\:")
    return _write_secret(run_dir / _PGPASS, f"*:*:*:*:{escaped}")


def _write_secret(path: Path, secret: str) -> Path:
    path.touch(mode=0o600)
    path.write_text(f"{secret}\n")
    return path


if __name__ == "__main__":
    sys.exit(main())
