"""Which dead letters were replayed."""

from plumbing import dead_letters
from plumbing.postgres import migrations

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    migrations.apply(dead_letters.REPLAY_SCHEMA)
