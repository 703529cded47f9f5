from plumbing import audit, inbox, outbox
from plumbing.postgres import migrations

revision = "0001"
down_revision = None


def upgrade() -> None:
    for schema in (inbox.SCHEMA, outbox.SCHEMA, audit.SCHEMA):
        migrations.apply(schema)
