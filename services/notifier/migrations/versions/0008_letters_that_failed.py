"""Letters that failed or came back are found without reading all that ever went out."""

from plumbing.postgres import migrations

revision = "0008"
down_revision = "0007"

SQL = "create index letter_in_vain on letter (state, taken_in_at) where state in ('returned', 'failed')"


def upgrade() -> None:
    migrations.apply(SQL)
