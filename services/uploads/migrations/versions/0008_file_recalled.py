"""How many documents were ever recalled is asked for every few seconds."""

from plumbing.postgres import migrations

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    migrations.apply("create index file_recalled on file (file_id) where state = 'recalled'")
