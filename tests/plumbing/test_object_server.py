"""Who may do what to documents, on the real object store: all that is not allowed is refused, and a locked version stays."""

import io
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final
from uuid import uuid4

import pytest
import urllib3
from minio import Minio
from minio.commonconfig import GOVERNANCE
from minio.deleteobjects import DeleteObject
from minio.error import MinioAdminException, S3Error
from minio.objectlockconfig import DAYS
from minio.retention import Retention
from minio.versioningconfig import SUSPENDED, VersioningConfig

from deploy.minio import ACCOUNTS, RETENTION_DAYS
from stack import Stack
from stack.minio_admin import is_store_ready
from stack.paths import ROOT
from stack.ports import free_port
from tests.support.fixtures import Buckets, new_buckets, new_run_dir

BYTES: Final = b"a doctor's statement, as it was handed in"
DENIED: Final = "AccessDenied"
LOCKED: Final = "InvalidRequest"
"""What MinIO answers where an object's lock is in the way (object is WORM protected)."""


def put(client: Minio, bucket: str, key: str, data: bytes = BYTES) -> str:
    """The version's id, where the bucket keeps versions."""
    return client.put_object(bucket, key, io.BytesIO(data), len(data)).version_id or ""


def get(client: Minio, bucket: str, key: str, version: str | None = None) -> bytes:
    answer = client.get_object(bucket, key, version_id=version)
    try:
        return answer.read()
    finally:
        answer.close()
        answer.release_conn()


def delete(client: Minio, bucket: str, key: str, version: str, *, past_its_lock: bool = False) -> None:
    """The one request for it that takes both a version and the header; the library has none."""
    headers: dict[str, str | list[str] | tuple[str]] = {}
    if past_its_lock:
        headers["x-amz-bypass-governance-retention"] = "true"
    client._execute("DELETE", bucket, key, headers=headers, query_params={"versionId": version})


def versions(client: Minio, bucket: str, prefix: str) -> list[str]:
    found = client.list_objects(bucket, prefix=prefix, recursive=True, include_version=True)
    return [one.version_id or "" for one in found]


def outcome(act: Callable[[], object]) -> str:
    """ "done", or the store's code for why not."""
    try:
        act()
    except S3Error as error:
        return str(error.code)
    return "done"


@pytest.fixture
def absence() -> str:
    return str(uuid4())


class Lying:
    """A document in each bucket, put there by who may."""

    def __init__(self, buckets: Buckets, absence: str) -> None:
        self.buckets = buckets
        self.absence = absence
        self.key = f"{absence}/{uuid4()}/{'0' * 64}"
        uploads = buckets.client("uploads")
        put(uploads, buckets.inbound, self.key)
        self.version = put(uploads, buckets.clean, self.key)


@pytest.fixture
def lying(buckets: Buckets, absence: str) -> Lying:
    return Lying(buckets, absence)


VERBS: Final[Mapping[str, Callable[[Minio, Lying], object]]] = {
    "put inbound": lambda client, it: put(client, it.buckets.inbound, f"{it.key}-new"),
    "get inbound": lambda client, it: get(client, it.buckets.inbound, it.key),
    "stat inbound": lambda client, it: client.stat_object(it.buckets.inbound, it.key),
    "delete inbound": lambda client, it: client.remove_object(it.buckets.inbound, it.key),
    "list inbound": lambda client, it: list(client.list_objects(it.buckets.inbound, recursive=True)),
    "list an absence inbound": lambda client, it: list(
        client.list_objects(it.buckets.inbound, prefix=f"{it.absence}/")
    ),
    "put clean": lambda client, it: put(client, it.buckets.clean, f"{it.key}-new"),
    "get clean": lambda client, it: get(client, it.buckets.clean, it.key),
    "get a clean version": lambda client, it: get(client, it.buckets.clean, it.key, it.version),
    "stat clean": lambda client, it: client.stat_object(it.buckets.clean, it.key),
    "list clean": lambda client, it: list(client.list_objects(it.buckets.clean, recursive=True)),
    "list an absence clean": lambda client, it: list(client.list_objects(it.buckets.clean, prefix=f"{it.absence}/")),
    "list all clean versions": lambda client, it: versions(client, it.buckets.clean, ""),
    "list many absences' clean versions": lambda client, it: versions(client, it.buckets.clean, it.absence[:8]),
    "list an absence's clean versions": lambda client, it: versions(client, it.buckets.clean, f"{it.absence}/"),
    "hide clean": lambda client, it: client.remove_object(it.buckets.clean, it.key),
    "delete a clean version past its lock": lambda client, it: delete(
        client, it.buckets.clean, it.key, it.version, past_its_lock=True
    ),
    "shorten a lock": lambda client, it: retain(client, it, timedelta(minutes=1)),
    "lengthen a lock": lambda client, it: retain(client, it, timedelta(days=9_999)),
    "see a lock": lambda client, it: client.get_object_retention(it.buckets.clean, it.key, version_id=it.version),
    "hold clean": lambda client, it: client.enable_object_legal_hold(it.buckets.clean, it.key, version_id=it.version),
    "unlock the bucket": lambda client, it: client.delete_object_lock_config(it.buckets.clean),
    "see the bucket's policy": lambda client, it: client.get_bucket_policy(it.buckets.clean),
    "open the bucket": lambda client, it: client.set_bucket_policy(it.buckets.inbound, '{"Statement": []}'),
    "delete a bucket": lambda client, it: client.remove_bucket(it.buckets.inbound),
    "make a bucket": lambda client, _: client.make_bucket(f"mine-{uuid4()}"),
}
MAY: Final[Mapping[str, set[str]]] = {
    "uploads": {
        "put inbound",
        "get inbound",
        "stat inbound",
        "delete inbound",
        "put clean",
        "get clean",
        "get a clean version",
        "stat clean",
    },
    "ksd_bridge": {"get clean", "get a clean version", "stat clean"},
    "eraser": {
        "list an absence's clean versions",
        "delete a clean version past its lock",
        "list an absence inbound",
        "delete inbound",
    },
    "sweeper": {"list inbound", "list an absence inbound"},
}


def retain(client: Minio, lying: Lying, period: timedelta) -> None:
    until = Retention(GOVERNANCE, datetime.now(UTC) + period)
    client.set_object_retention(lying.buckets.clean, lying.key, until, version_id=lying.version)


class TestTheMatrix:
    @pytest.mark.parametrize("verb", VERBS)
    @pytest.mark.parametrize("account", ACCOUNTS)
    def test_an_account_may_do_what_it_is_for_and_nothing_else(self, account: str, verb: str, lying: Lying) -> None:
        done = outcome(lambda: VERBS[verb](lying.buckets.client(account), lying))

        if verb in MAY[account]:
            assert done == "done"
        else:  # a lock is looked at before the account is
            assert done in ({DENIED, LOCKED} if verb == "shorten a lock" else {DENIED})

    @pytest.mark.parametrize("verb", VERBS)
    def test_who_is_nobody_may_nothing(self, verb: str, lying: Lying) -> None:
        address = lying.buckets.store.endpoint.removeprefix("http://")
        nobody = Minio(address, secure=False, region=lying.buckets.store.region)

        assert outcome(lambda: VERBS[verb](nobody, lying)) in {DENIED, LOCKED}

    @pytest.mark.parametrize("account", ACCOUNTS)
    def test_an_account_may_not_make_itself_keys(self, account: str, buckets: Buckets) -> None:
        keys = buckets.accounts[account]
        admin = replace(buckets.store, keys=keys).admin()

        acts: tuple[Callable[[], str], ...] = (
            partial(admin.add_service_account, access_key="of-its-own", secret_key="making-of-keys"),
            partial(admin.user_add, keys.access_key, "another-secret"),
            admin.user_list,
            admin.policy_list,
        )
        for act in acts:
            with pytest.raises(MinioAdminException, match="AccessDenied"):
                act()

    @pytest.mark.parametrize("account", ACCOUNTS)
    def test_an_account_sees_nothing_of_another_sessions_buckets(
        self, account: str, buckets: Buckets, documents_servers: Stack, absence: str
    ) -> None:
        theirs = Lying(new_buckets(documents_servers), absence)

        for act in VERBS.values():
            assert outcome(partial(act, buckets.client(account), theirs)) in {DENIED, LOCKED}

    def test_one_secret_is_not_good_for_another_account(self, buckets: Buckets, lying: Lying) -> None:
        mixed = replace(buckets.accounts["uploads"], secret_key=buckets.accounts["sweeper"].secret_key)
        client = replace(buckets.store, keys=mixed).client()

        assert outcome(lambda: get(client, buckets.clean, lying.key)) == "SignatureDoesNotMatch"

    def test_a_client_that_is_told_no_region_fails_at_once(self, buckets: Buckets, lying: Lying) -> None:
        keys = buckets.accounts["uploads"]
        address = buckets.store.endpoint.removeprefix("http://")
        client = Minio(address, keys.access_key, keys.secret_key, secure=False)

        assert outcome(lambda: get(client, buckets.clean, lying.key)) == DENIED


class TestACleanVersion:
    def test_it_outlives_whoever_may_not_erase(self, lying: Lying) -> None:
        bucket, key, version = lying.buckets.clean, lying.key, lying.version
        for client, past_its_lock, why in (
            (lying.buckets.client("uploads"), False, {DENIED}),
            (lying.buckets.client("uploads"), True, {DENIED}),
            (lying.buckets.client("eraser"), False, {LOCKED}),
            (lying.buckets.admin, False, {LOCKED}),
        ):
            assert outcome(partial(delete, client, bucket, key, version, past_its_lock=past_its_lock)) in why

        assert get(lying.buckets.client("ksd_bridge"), bucket, key, version) == BYTES

    def test_its_eraser_takes_it_away_for_good(self, lying: Lying) -> None:
        eraser = lying.buckets.client("eraser")
        for version in versions(eraser, lying.buckets.clean, f"{lying.absence}/"):
            delete(eraser, lying.buckets.clean, lying.key, version, past_its_lock=True)

        assert versions(lying.buckets.admin, lying.buckets.clean, lying.absence) == []
        assert outcome(lambda: get(lying.buckets.client("uploads"), lying.buckets.clean, lying.key)) == "NoSuchKey"

    def test_no_crowd_of_them_is_deleted_in_one_request(self, lying: Lying) -> None:
        """Only one at a time can be told to be a version, and not the hiding of all."""
        told = lying.buckets.client("eraser").remove_objects(
            lying.buckets.clean, [DeleteObject(lying.key, lying.version)], bypass_governance_mode=True
        )

        assert [error.code for error in told] == [DENIED]

    def test_another_put_under_its_key_makes_a_version_and_it_stays(self, lying: Lying) -> None:
        uploads = lying.buckets.client("uploads")
        later = put(uploads, lying.buckets.clean, lying.key, b"something else")

        assert later != lying.version
        assert get(uploads, lying.buckets.clean, lying.key, lying.version) == BYTES

    def test_a_put_that_is_for_new_keys_alone_is_refused_where_there_is_one(self, lying: Lying) -> None:
        uploads = lying.buckets.client("uploads")

        def again() -> None:
            headers: dict[str, str | list[str] | tuple[str]] = {"If-None-Match": "*"}
            uploads._execute("PUT", lying.buckets.clean, lying.key, body=BYTES, headers=headers)

        assert outcome(again) == "PreconditionFailed"

    def test_whoever_puts_it_has_no_say_in_its_lock(self, lying: Lying) -> None:
        uploads, clean = lying.buckets.client("uploads"), lying.buckets.clean
        soon = Retention(GOVERNANCE, datetime.now(UTC) + timedelta(minutes=1))

        def kept(**how: Retention | bool) -> Callable[[], object]:
            return lambda: uploads.put_object(clean, lying.key, io.BytesIO(BYTES), len(BYTES), **how)  # type: ignore[arg-type]

        assert outcome(kept(retention=soon)) == DENIED
        assert outcome(kept(legal_hold=True)) == DENIED
        lock = lying.buckets.admin.get_object_retention(clean, lying.key, version_id=lying.version)
        assert lock is not None
        assert lock.mode == GOVERNANCE
        assert abs(lock.retain_until_date - datetime.now(UTC) - timedelta(days=RETENTION_DAYS)) < timedelta(minutes=5)


class TestTheBuckets:
    def test_clean_keeps_versions_under_lock_and_inbound_keeps_none(self, buckets: Buckets) -> None:
        admin = buckets.admin
        lock = admin.get_object_lock_config(buckets.clean)

        assert admin.get_bucket_versioning(buckets.clean).status == "Enabled"
        assert admin.get_bucket_versioning(buckets.inbound).status is None
        assert (lock.mode, lock.duration, lock.duration_unit) == (GOVERNANCE, RETENTION_DAYS, DAYS)

    def test_versions_cannot_be_switched_off_where_there_is_a_lock(self, buckets: Buckets) -> None:
        said = outcome(lambda: buckets.admin.set_bucket_versioning(buckets.clean, VersioningConfig(SUSPENDED)))

        assert said == "InvalidBucketState"

    def test_what_waited_inbound_is_deleted_for_good(self, lying: Lying) -> None:
        lying.buckets.client("uploads").remove_object(lying.buckets.inbound, lying.key)

        assert versions(lying.buckets.admin, lying.buckets.inbound, lying.absence) == []

    def test_the_sweeper_sees_how_old_it_is(self, lying: Lying) -> None:
        prefix = f"{lying.absence}/"
        (one,) = lying.buckets.client("sweeper").list_objects(lying.buckets.inbound, prefix=prefix, recursive=True)

        assert one.last_modified is not None
        assert abs(datetime.now(UTC) - one.last_modified) < timedelta(minutes=5)

    def test_whatever_is_stored_is_encrypted(self, lying: Lying) -> None:
        for bucket in (lying.buckets.inbound, lying.buckets.clean):
            told = lying.buckets.client("uploads").stat_object(bucket, lying.key).metadata
            assert told is not None
            assert told["X-Amz-Server-Side-Encryption"] == "AES256"

    def test_making_them_again_changes_nothing(self, documents_servers: Stack, lying: Lying) -> None:
        buckets = lying.buckets
        names = documents_servers.create_buckets(buckets.accounts, suffix=buckets.names.suffix)

        assert names == buckets.names
        assert get(buckets.client("ksd_bridge"), buckets.clean, lying.key, lying.version) == BYTES

    def test_a_new_secret_takes_the_place_of_the_old(self, documents_servers: Stack, absence: str) -> None:
        buckets = new_buckets(documents_servers)
        keys = replace(buckets.accounts["uploads"], secret_key="a-secret-of-another-day")
        documents_servers.create_buckets({**buckets.accounts, "uploads": keys}, suffix=buckets.names.suffix)
        changed = replace(buckets, accounts={**buckets.accounts, "uploads": keys})

        assert outcome(lambda: put(buckets.client("uploads"), buckets.inbound, absence)) == "SignatureDoesNotMatch"
        assert outcome(lambda: put(changed.client("uploads"), buckets.inbound, absence)) == "done"

    def test_nobody_is_shown_a_console(self, buckets: Buckets) -> None:
        with urllib3.PoolManager(retries=False) as http:
            answer = http.request("GET", buckets.store.endpoint, headers={"User-Agent": "Mozilla/5.0"}, redirect=False)

        assert answer.status == 403


class TestTheCommand:
    @pytest.fixture
    def told(self, buckets: Buckets) -> dict[str, str]:
        """The environment of the container that makes them; these are the buckets of no test session."""
        of_accounts: dict[str, str] = {}
        for account, keys in buckets.accounts.items():
            of_accounts[f"{account.upper()}_S3_ACCESS_KEY_ID"] = f"{keys.access_key[:12]}-command"
            of_accounts[f"{account.upper()}_S3_SECRET_ACCESS_KEY"] = keys.secret_key
        return {
            "PATH": os.defpath,
            "S3_ENDPOINT_URL": buckets.store.endpoint,
            "S3_REGION": buckets.store.region,
            "S3_ACCESS_KEY_ID": buckets.store.keys.access_key,
            "S3_SECRET_ACCESS_KEY": buckets.store.keys.secret_key,
            **of_accounts,
        }

    def test_it_may_be_repeated(self, told: dict[str, str]) -> None:
        for _ in range(2):
            done = _command(told)
            assert (done.returncode, done.stderr) == (0, "")
            assert done.stdout.startswith("buckets: mitsyg-inbound and mitsyg-clean are there")

    def test_it_says_when_the_store_is_not_there(self, told: dict[str, str]) -> None:
        done = _command({**told, "S3_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"})

        assert done.returncode == 69
        assert "no object store answers" in done.stderr

    def test_it_tells_no_secret_when_it_is_refused(self, told: dict[str, str]) -> None:
        done = _command({**told, "S3_SECRET_ACCESS_KEY": "not-the-secret-at-all"})

        assert done.returncode == 1
        assert "AccessDenied" in done.stderr
        assert not any(value in done.stderr for name, value in told.items() if "SECRET" in name)


def _command(environment: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, "-m", "deploy.minio")
    return subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def own() -> Iterator[Stack]:
    """A store that these tests may kill."""
    with new_run_dir() as run_dir:
        started = Stack.start(run_dir, servers=["minio"])
        assert not started.is_borrowed, "addresses in the environment name servers that are not ours to kill"
        yield started
        started.stop()


class TestAStoreOfOnesOwn:
    def test_what_it_took_is_there_after_it_was_killed(self, own: Stack, absence: str) -> None:
        lying = Lying(new_buckets(own), absence)
        own.server("minio").kill()
        assert not is_store_ready(own.store)
        own.start_server("minio")

        assert get(lying.buckets.client("uploads"), lying.buckets.clean, lying.key, lying.version) == BYTES
        assert outcome(lambda: get(lying.buckets.client("sweeper"), lying.buckets.clean, lying.key)) == DENIED

    def test_it_answers_nobody_while_it_is_paused(self, own: Stack) -> None:
        own.server("minio").pause()
        assert not is_store_ready(own.store)
        own.server("minio").resume()
        own.wait_ready()

    def test_its_log_holds_neither_keys_nor_what_was_put(self, own: Stack, absence: str) -> None:
        buckets = Lying(new_buckets(own), absence).buckets
        outcome(lambda: list(buckets.client("uploads").list_objects(buckets.clean)))
        said = own.server("minio").log_tail(10_000)

        secret = (buckets.store.keys, *buckets.accounts.values())
        assert not any(keys.secret_key in said or keys.access_key in said for keys in secret)
        assert absence not in said
