"""What a migration that goes wrong tells of the addresses it was given, which have passwords in them: nothing."""

import subprocess
import sys

import pytest

from plumbing.postgres import migrations
from stack.paths import ROOT

SECRET = "s3cretword"
NOT_QUOTED = [f"{SECRET}/more", f"{SECRET}#more", f"{SECRET}?more", f"{SECRET}[more", f"{SECRET}\N{ACCOUNT OF}more"]


@pytest.mark.parametrize("password", NOT_QUOTED)
def test_a_password_that_breaks_the_owners_address_is_not_repeated(password: str) -> None:
    told = {
        "DATABASE_URL": "postgresql://role:x@127.0.0.1:1/d",
        "DATABASE_OWNER_URL": f"postgresql://owner:{password}@127.0.0.1:1/d",
    }
    argv = (sys.executable, "-m", "services.tasks", "migrate")
    outcome = subprocess.run(argv, env=told, cwd=ROOT, capture_output=True, text=True, timeout=30, check=False)

    assert outcome.returncode not in (0, 2)
    assert SECRET not in outcome.stdout + outcome.stderr


@pytest.mark.parametrize("password", NOT_QUOTED)
def test_nor_one_that_breaks_the_roles(password: str) -> None:
    with pytest.raises(ValueError, match="DATABASE_URL must name") as refused:
        migrations.role_of(f"postgresql://role:{password}@127.0.0.1:1/d")
    assert SECRET not in str(refused.value)
