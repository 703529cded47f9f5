"""The ids of events that the work refused are free: replayed, they are worked."""

from plumbing import inbox
from plumbing.postgres import migrations

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    migrations.apply(inbox.RELEASE_REFUSED)
