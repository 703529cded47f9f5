"""When an absence was reported: the reporter's deadline is judged by it, also when the report is corrected later.

Of absences that were amended before this it is not known, and stays null.
"""

from plumbing.postgres import migrations

revision = "0005"
down_revision = "0004"

SQL = """
alter table absence add column reported_at timestamptz;
update absence set reported_at = told_sent_at where told_id = notification_id;
"""


def upgrade() -> None:
    migrations.apply(SQL)
