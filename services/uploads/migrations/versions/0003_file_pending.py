"""How many files wait for their check is asked for every few seconds."""

from plumbing.postgres import migrations

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    migrations.apply("create index file_pending on file (received_at) where state = 'pending' and not is_removed")
