"""The object store's part of the least-privilege matrix, as its policies say it, and what the command wants to be told."""

import re
from typing import Any, Final

import pytest

from deploy.minio import ACCOUNTS, CLEAN, INBOUND, BucketNames, Keys, Store, policy
from deploy.minio.__main__ import Settings, main
from plumbing.service import load
from stack.paths import ROOT
from stack.secrets_file import NAMES

POLICIES: Final = ROOT / "deploy" / "minio" / "policies"
IN_INBOUND, IN_CLEAN = f"arn:aws:s3:::{INBOUND}/*", f"arn:aws:s3:::{CLEAN}/*"
OF_INBOUND, OF_CLEAN = f"arn:aws:s3:::{INBOUND}", f"arn:aws:s3:::{CLEAN}"
MAY: Final[dict[str, set[tuple[str, str]]]] = {
    "uploads": {
        ("s3:PutObject", IN_INBOUND),
        ("s3:GetObject", IN_INBOUND),
        ("s3:DeleteObject", IN_INBOUND),
        ("s3:PutObject", IN_CLEAN),
        ("s3:GetObject", IN_CLEAN),
    },
    "ksd_bridge": {("s3:GetObject", IN_CLEAN)},
    "eraser": {
        ("s3:ListBucketVersions", OF_CLEAN),
        ("s3:DeleteObject", IN_CLEAN),
        ("s3:DeleteObjectVersion", IN_CLEAN),
        ("s3:BypassGovernanceRetention", IN_CLEAN),
        ("s3:ListBucket", OF_INBOUND),
        ("s3:DeleteObject", IN_INBOUND),
    },
    "sweeper": {("s3:ListBucket", OF_INBOUND)},
}
TOLD: Final = {
    "S3_ENDPOINT_URL": "http://minio:9000",
    "S3_REGION": "eu-north-1",
    "S3_ACCESS_KEY_ID": "administrator",
    "S3_SECRET_ACCESS_KEY": "administrators-secret",
    **{f"{account.upper()}_S3_ACCESS_KEY_ID": f"{account}-key" for account in ACCOUNTS},
    **{f"{account.upper()}_S3_SECRET_ACCESS_KEY": f"{account}-secret" for account in ACCOUNTS},
}


def statements(account: str, effect: str) -> list[dict[str, Any]]:
    return [statement for statement in policy(account)["Statement"] if statement["Effect"] == effect]


def test_every_account_has_a_policy_and_every_policy_an_account() -> None:
    assert {path.stem for path in POLICIES.glob("*.json")} == set(ACCOUNTS) == set(MAY)


@pytest.mark.parametrize("account", ACCOUNTS)
class TestOneAccount:
    def test_it_may_what_the_matrix_says_and_nothing_else(self, account: str) -> None:
        allowed = {
            (action, resource)
            for statement in statements(account, "Allow")
            for action in statement["Action"]
            for resource in statement["Resource"]
        }

        assert allowed == MAY[account]

    def test_it_may_make_itself_no_keys(self, account: str) -> None:
        assert [statement["Action"] for statement in statements(account, "Deny")] == [["admin:*"]]

    def test_every_statement_says_what_it_is_for(self, account: str) -> None:
        names = [statement["Sid"] for statement in policy(account)["Statement"]]

        assert len(set(names)) == len(names)
        assert all(re.fullmatch(r"([A-Z][a-z]*)+", name) for name in names)

    def test_a_suffix_is_that_of_every_bucket(self, account: str) -> None:
        text = str(policy(account, suffix="-of-a-test"))

        assert len(re.findall(r"mitsyg-(?:inbound|clean)-of-a-test\b", text)) == len(re.findall("mitsyg-", text))


def test_uploads_lists_nothing_and_deletes_nothing_that_is_clean() -> None:
    text = str(statements("uploads", "Allow"))

    assert "List" not in text
    assert ("s3:DeleteObject", IN_CLEAN) not in MAY["uploads"]
    assert "Bypass" not in text
    assert "Retention" not in text


def test_only_the_eraser_gets_past_a_lock() -> None:
    assert [account for account in ACCOUNTS if "Bypass" in str(policy(account))] == ["eraser"]


def test_the_eraser_deletes_versions_and_sees_those_of_one_absence() -> None:
    conditions: dict[tuple[str, str], Any] = {
        (action, resource): statement.get("Condition")
        for statement in statements("eraser", "Allow")
        for action in statement["Action"]
        for resource in statement["Resource"]
    }

    assert conditions["s3:DeleteObject", IN_CLEAN] == {"StringLike": {"s3:versionid": ["?*"]}}
    for seen in (("s3:ListBucketVersions", OF_CLEAN), ("s3:ListBucket", OF_INBOUND)):
        (pattern,) = conditions[seen]["StringLike"]["s3:prefix"]
        assert pattern.replace("?", "0") == "00000000-0000-0000-0000-000000000000/*"


def test_buckets_are_named_once() -> None:
    assert (BucketNames().inbound, BucketNames().clean) == (INBOUND, CLEAN)
    assert BucketNames(suffix="-x").policy("eraser") == "mitsyg-eraser-x"


def test_no_secret_is_in_what_is_shown_of_a_store() -> None:
    store = Store(endpoint="http://h", region="r", keys=Keys(access_key="a", secret_key="never-shown"))

    assert "never-shown" not in repr(store)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in TOLD.items():
        monkeypatch.setenv(name, value)


@pytest.mark.usefixtures("told")
class TestTheCommand:
    def test_it_understands_what_the_container_is_told(self) -> None:
        settings = load(Settings)

        assert settings.store.keys == Keys(access_key="administrator", secret_key="administrators-secret")
        assert settings.accounts == {
            account: Keys(access_key=f"{account}-key", secret_key=f"{account}-secret") for account in ACCOUNTS
        }

    @pytest.mark.parametrize("missing", TOLD)
    def test_whatever_is_missing_is_named_and_no_value_is(
        self, missing: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.delenv(missing)

        assert main() == 78
        told = capsys.readouterr().err
        assert missing in told
        assert not any(value in told for value in TOLD.values())

    def test_every_accounts_keys_are_made_by_make_secrets(self) -> None:
        assert {name for name in TOLD if re.match(f"({'|'.join(ACCOUNTS)})_".upper(), name)} <= set(NAMES)
