from plumbing import audit, inbox, outbox
from plumbing.postgres import migrations

revision = "0001"
down_revision = None


def upgrade() -> None:
    for schema in (inbox.SCHEMA, outbox.SCHEMA, audit.SCHEMA, audit.UNSEALED_IN_GROUPS, audit.DIGESTS_IN_GROUPS):
        migrations.apply(schema)
