"""Audit entries are listed with their digests; the version before goes on listing them without."""

from plumbing import audit
from plumbing.postgres import migrations

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    migrations.apply(audit.DIGESTS_IN_GROUPS)
