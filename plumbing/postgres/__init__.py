"""PostgreSQL: one pool per process, plain SQL, READ COMMITTED, and the question "is this error worth a repeat?"."""

from plumbing.postgres.database import Connection, Database
from plumbing.postgres.errors import is_missing, is_transient

__all__ = ["Connection", "Database", "is_missing", "is_transient"]
