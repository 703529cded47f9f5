"""Stored documents are scanned again one behind the other; the index before had no order among equal times."""

from plumbing.postgres import migrations

revision = "0006"
down_revision = "0005"

SQL = """
create index file_to_scan_again_in_order on file (scanned_at, file_id) where state = 'clean' and not is_removed;
drop index file_to_scan_again;
"""


def upgrade() -> None:
    migrations.apply(SQL)
