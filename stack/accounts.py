"""Servers never run as root: PostgreSQL refuses to, and a broker has no need to.

Started by an ordinary user, everything runs as that user. Started by root, servers run as `postgres` where Debian's package
made that account, else as `nobody`; what they must reach is handed to that account.
"""

import os
import pwd
import shutil
from dataclasses import dataclass
from pathlib import Path

from stack.errors import MissingPiece

_CANDIDATES = ("postgres", "nobody")


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    name: str
    uid: int
    gid: int

    def own(self, path: Path) -> None:
        """Hands a directory and all in it to this account."""
        for inner in (path, *path.rglob("*")):
            os.chown(inner, self.uid, self.gid, follow_symlinks=False)

    def can_reach(self, path: Path) -> bool:
        """Whether every directory above `path` lets this account through."""
        return all(self._may_enter(parent) for parent in path.resolve().parents)

    def _may_enter(self, directory: Path) -> bool:
        facts = directory.stat()
        if facts.st_uid == self.uid:
            return bool(facts.st_mode & 0o100)
        if facts.st_gid == self.gid:
            return bool(facts.st_mode & 0o010)
        return bool(facts.st_mode & 0o001)


def server_account() -> Account | None:
    """The account to run servers as; None means: as whoever started us."""
    if os.geteuid() != 0:
        return None
    if shutil.which("setpriv") is None:
        message = "setpriv is needed to start servers as an unprivileged user: install util-linux"
        raise MissingPiece(message)
    for name in _CANDIDATES:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    message = "started as root, but there is no unprivileged account: create one named postgres"
    raise MissingPiece(message)
