"""No index on a notification's absence: nothing asks by it, and every notification paid for a page at a place of its own."""

from plumbing.postgres import migrations

revision = "0004"
down_revision = "0003"

SQL = "drop index notification_of_absence"


def upgrade() -> None:
    migrations.apply(SQL)
