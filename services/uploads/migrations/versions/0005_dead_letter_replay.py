"""Which dead letters were replayed."""

from plumbing import dead_letters
from plumbing.postgres import migrations

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    migrations.apply(dead_letters.REPLAY_SCHEMA)
