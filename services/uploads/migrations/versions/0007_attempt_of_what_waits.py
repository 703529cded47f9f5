"""By which sending a submission waits: its attempt has that id, should it be held back.

Of submissions that were sent before this it is not known, and stays null; an attempt of theirs is named after when they were
sent, as it was.
"""

from plumbing.postgres import migrations

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    migrations.apply("alter table submission add column attempt_id uuid")
