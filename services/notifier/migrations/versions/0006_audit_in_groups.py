"""What the audit's chain does not hold yet is listed in groups; processes of the version before go on as they did."""

from plumbing import audit
from plumbing.postgres import migrations

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    migrations.apply(audit.UNSEALED_IN_GROUPS)
