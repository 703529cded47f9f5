"""Which database errors mean "not now" rather than "never"."""

import asyncpg
from asyncpg import exceptions as pg

from plumbing.errors import Unavailable

# Each may go away by itself: connections and servers come back, rivals finish, disks are emptied, a replica is promoted.
_TRANSIENT: tuple[type[BaseException], ...] = (
    pg.PostgresConnectionError,
    pg.TransactionRollbackError,  # serialization failure, deadlock
    pg.OperatorInterventionError,  # shutdown, terminated backend, statement time-out
    pg.InsufficientResourcesError,  # disk full, out of memory, too many connections
    pg.LockNotAvailableError,
    pg.ReadOnlySQLTransactionError,  # an old primary after a fail-over
    pg.IdleInTransactionSessionTimeoutError,
    pg.PostgresSystemError,
    pg.InvalidCachedStatementError,  # a migration went by while the connection was open
    asyncpg.InterfaceError,  # the pool or the connection is closed under us
    asyncpg.InternalClientError,  # what asyncpg calls a query sent in the instant in which the server cuts the connection
    ConnectionError,
    TimeoutError,
    OSError,
    Unavailable,
)


def is_missing(error: BaseException) -> bool:
    """Whether the database, or the role that asks, is not there: whoever sets up the server may not have come to it yet."""
    return isinstance(error, pg.InvalidCatalogNameError | pg.InvalidAuthorizationSpecificationError)


def is_transient(error: BaseException) -> bool:
    """Whether the same transaction may succeed when it is done again, unchanged."""
    return isinstance(error, _TRANSIENT)
