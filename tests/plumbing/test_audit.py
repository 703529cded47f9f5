"""The audit trail: written with the effect or not at all, added to and never changed, and a change is found."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from hashlib import sha256
from uuid import UUID, uuid4

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plumbing import audit
from plumbing.audit import Anchor, Finding, FindingKind, Sealer, chain
from plumbing.audit.chain import ONE_SEALER, block_hash
from plumbing.audit.entries import digest, entry_of
from plumbing.postgres import Database
from stack import Stack
from tests.support.fixtures import PlainDatabaseFactory

CUT = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)
NOON = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


@dataclass(frozen=True, kw_only=True, slots=True)
class Trail:
    """A database with an audit trail: as the run-time role sees it, and as its owner does."""

    database: Database
    owner: "asyncpg.Connection[asyncpg.Record]"

    async def write(self, *entries: audit.Entry) -> None:
        async with self.database.transaction() as connection:
            await audit.put(connection, entries)

    async def verify(self, anchor: Anchor | None = None) -> audit.Verdict:
        async with self.database.acquire() as connection:
            return await audit.verify(connection, anchor)


@pytest.fixture
async def trail(plain_database: PlainDatabaseFactory) -> AsyncIterator[Trail]:
    addresses = plain_database()
    owner = await asyncpg.connect(addresses.owner_dsn)
    for schema in (audit.SCHEMA, audit.UNSEALED_IN_GROUPS, audit.DIGESTS_IN_GROUPS):
        await owner.execute(schema.replace("{role}", addresses.role))
    database = await Database.open(addresses.runtime_dsn, application_name="test")
    yield Trail(database=database, owner=owner)
    await database.close()
    await owner.close()


def entry(nth: int = 0, *, subject: UUID | None = None) -> audit.Entry:
    return audit.Entry(
        actor="notifier",
        action="cards.read",
        subject=subject if subject is not None else uuid4(),
        object_type="card",
        object_id=f"request-{nth}",
        purpose="address a letter",
        at=NOON + timedelta(seconds=nth),
    )


async def test_entries_are_written_in_order_and_sealed_into_one_block(trail: Trail) -> None:
    await trail.write(*(entry(nth) for nth in range(5)))

    assert (await trail.verify()).waiting == 5
    assert await Sealer(trail.database).seal() == 5

    verdict = await trail.verify()
    assert (verdict.blocks, verdict.entries, verdict.waiting) == (1, 5, 0)
    assert verdict.is_intact
    objects = await trail.owner.fetch("select object_id from audit_entry order by id")
    assert [row["object_id"] for row in objects] == [f"request-{nth}" for nth in range(5)]


async def test_an_entry_of_work_that_was_rolled_back_is_not_there(trail: Trail) -> None:
    async def fail() -> None:
        async with trail.database.transaction() as connection:
            await audit.put(connection, [entry()])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    await trail.write(entry(1))
    await Sealer(trail.database).seal()

    verdict = await trail.verify()
    assert (verdict.entries, verdict.waiting) == (1, 0)
    assert verdict.is_intact  # the number that was used up is no hole in the chain


async def test_an_entry_committed_behind_later_ones_is_sealed_too(trail: Trail) -> None:
    sealer = Sealer(trail.database)
    async with trail.database.transaction() as slow:
        await audit.put(slow, [entry(1)])
        await trail.write(entry(2))
        assert await sealer.seal() == 1
    assert await sealer.seal() == 1

    verdict = await trail.verify()
    assert (verdict.blocks, verdict.entries) == (2, 2)
    assert verdict.is_intact


async def test_columns_that_are_equal_in_a_batch_and_those_that_are_not_come_back_as_they_were(trail: Trail) -> None:
    same = entry(1)
    mixed = [same._replace(action="cards.refused"), same._replace(subject=None), same._replace(at=NOON), same]
    for written in ([same, same, same], mixed, [same._replace(subject=None)] * 2):
        await trail.write(*written)
        rows = await trail.owner.fetch("select * from audit_entry order by id")
        assert [entry_of(row) for row in rows[-len(written) :]] == list(written)


async def test_the_database_reckons_a_digest_as_python_does_whatever_the_texts_hold(trail: Trail) -> None:
    strange = "".join(map(chr, range(1, 0x180))) + "\u2028\u2029\ufeff\U0001f912 \\u0041 </script> '\"\\"
    written = [
        entry(1)._replace(actor=strange, action=strange, object_type=strange, object_id=strange, purpose=strange),
        entry(2)._replace(actor="", subject=None, at=datetime(1, 1, 1, 0, 0, 1, tzinfo=UTC)),
        entry(3)._replace(at=datetime(9999, 12, 31, 23, 59, 59, 999_998, tzinfo=UTC)),
        entry(4)._replace(at=datetime(2026, 3, 29, 3, 0, 0, 1, tzinfo=timezone(timedelta(hours=2)))),
    ]
    await trail.write(*written)
    assert await Sealer(trail.database).seal() == len(written)

    block = await trail.owner.fetchrow("select entry_ids, digests from audit_chain")
    assert block is not None
    assert block["digests"] == b"".join(
        digest(entry_id, one) for entry_id, one in zip(block["entry_ids"], written, strict=True)
    )


async def test_nothing_to_write_or_to_seal_leaves_no_block(trail: Trail) -> None:
    await trail.write()
    assert await Sealer(trail.database).seal() == 0

    verdict = await trail.verify()
    assert (verdict.blocks, verdict.head, verdict.is_intact) == (0, None, True)


async def test_a_block_takes_groups_until_it_has_so_many_entries_and_the_rest_goes_into_the_next(trail: Trail) -> None:
    for nth in range(5):
        await trail.write(*(entry(nth) for _ in range(2)))
    sealer = Sealer(trail.database, most=3)

    assert [await sealer.seal() for _ in range(4)] == [4, 4, 2, 0]
    assert (await trail.verify()).is_intact


async def test_entries_that_the_version_before_listed_without_digests_are_sealed_with_the_others(trail: Trail) -> None:
    await trail.write(entry(), entry())
    await trail.write(entry())
    await trail.owner.execute("update audit_unsealed_group set digests = null where cardinality(entry_ids) = 2")

    assert [await Sealer(trail.database).seal() for _ in range(2)] == [3, 0]
    verdict = await trail.verify()
    assert (verdict.entries, verdict.waiting, verdict.is_intact) == (3, 0, True)


async def test_entries_listed_one_by_one_before_there_were_groups_are_sealed_after_the_migration(
    plain_database: PlainDatabaseFactory,
) -> None:
    addresses = plain_database()
    owner = await asyncpg.connect(addresses.owner_dsn)
    for schema in (audit.SCHEMA, audit.UNSEALED_IN_GROUPS):
        await owner.execute(schema.replace("{role}", addresses.role))
    await owner.execute(
        "insert into audit_entry (actor, action, object_type, object_id, purpose, at)"
        " select 'a', 'b', 'c', nth::text, 'd', now() from generate_series(1, 3) as nth"
    )
    await owner.execute("insert into audit_unsealed (entry_id) select id from audit_entry")
    await owner.execute(audit.DIGESTS_IN_GROUPS.replace("{role}", addresses.role))
    database = await Database.open(addresses.runtime_dsn, application_name="test")

    assert await Sealer(database).seal() == 3
    async with database.acquire() as connection:
        verdict = await audit.verify(connection)
    assert (verdict.entries, verdict.waiting, verdict.is_intact) == (3, 0, True)
    await database.close()
    await owner.close()


async def test_rival_sealers_seal_each_entry_once(trail: Trail) -> None:
    sealers = [Sealer(trail.database, most=10) for _ in range(6)]
    for nth in range(20):
        await trail.write(*(entry(nth) for _ in range(10)))
        await asyncio.gather(*(sealer.seal() for sealer in sealers))
    while await sealers[0].seal():
        pass

    verdict = await trail.verify()
    assert (verdict.entries, verdict.waiting) == (200, 0)
    assert verdict.is_intact


async def test_a_second_sealer_stands_back_while_one_is_at_work(trail: Trail) -> None:
    await trail.write(entry())
    async with trail.database.transaction() as connection:
        await connection.execute("select pg_advisory_xact_lock($1)", ONE_SEALER)
        assert await Sealer(trail.database).seal() == 0
    assert await Sealer(trail.database).seal() == 1


async def test_what_no_sealer_gets_to_is_seen_to_grow_old(trail: Trail) -> None:
    def gauges() -> tuple[float, float]:
        return chain.UNSEALED._value.get(), chain.OLDEST._value.get()

    sealer = Sealer(trail.database)
    watching = asyncio.create_task(sealer.watch(every=0.02))
    try:
        await trail.write(entry(), entry())
        async with asyncio.timeout(10):
            while gauges()[0] != 2 or gauges()[1] < 0.2:
                await asyncio.sleep(0.02)
        await trail.write(entry())
        async with asyncio.timeout(10):
            while gauges()[0] != 3:
                await asyncio.sleep(0.02)
        assert gauges()[1] >= 0.2  # of the oldest, whatever comes behind it
        assert await sealer.seal() == 3
        async with asyncio.timeout(10):
            while gauges() != (0, 0):
                await asyncio.sleep(0.02)
    finally:
        watching.cancel()


async def test_the_running_sealer_seals_what_comes_and_outlives_connections_that_were_cut(
    trail: Trail, stack: Stack
) -> None:
    running = asyncio.create_task(Sealer(trail.database, every=0.02).run())
    await trail.write(entry(1))
    await eventually(trail, sealed=1)

    admin = await asyncpg.connect(stack.postgres_admin_dsn)
    name = await trail.owner.fetchval("select current_database()")
    cut = await admin.fetch(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and usename = 'plain'", name
    )
    await admin.close()
    assert cut
    await until(lambda: trail.write(entry(2)))
    await eventually(trail, sealed=2)

    assert not running.done()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running


async def until(attempt: Callable[[], Awaitable[None]]) -> None:
    async with asyncio.timeout(10):
        while True:
            with contextlib.suppress(*CUT):
                return await attempt()
            await asyncio.sleep(0.02)


async def eventually(trail: Trail, *, sealed: int) -> None:
    async def is_sealed() -> None:
        if (await trail.verify()).entries < sealed:
            raise ConnectionError

    await until(is_sealed)


# what the run-time role may not do --------------------------------------------------------------------------------------------


FORBIDDEN = [
    "update audit_entry set actor = 'somebody else'",
    "delete from audit_entry",
    "truncate audit_entry",
    "update audit_chain set hash = hash",
    "delete from audit_chain",
    "truncate audit_chain",
    "update audit_unsealed_group set entry_ids = entry_ids",
    "truncate audit_unsealed_group",
    "alter table audit_entry disable trigger all",
    "drop table audit_entry",
]


async def test_the_run_time_role_may_neither_change_nor_remove(trail: Trail) -> None:
    await trail.write(entry())
    await Sealer(trail.database).seal()
    allowed = []
    for statement in FORBIDDEN:
        async with trail.database.acquire() as connection:
            try:
                await connection.execute(statement)
            except asyncpg.InsufficientPrivilegeError:
                continue
        allowed.append(statement)
    assert allowed == []


# what is found ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def sealed(trail: Trail) -> Trail:
    """Three blocks of four entries; the entries have the numbers 1 to 12."""
    for block in range(3):
        await trail.write(*(entry(block * 4 + nth) for nth in range(4)))
        await Sealer(trail.database).seal()
    assert (await trail.verify()).is_intact
    return trail


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("actor", "'ops'"),
        ("action", "'cards.reat'"),
        ("subject", "gen_random_uuid()"),
        ("subject", "null"),
        ("object_type", "'carf'"),
        ("object_id", "''"),
        ("purpose", "'curiosity'"),
        ("at", "at + interval '1 microsecond'"),
    ],
)
async def test_a_changed_entry_is_found(sealed: Trail, column: str, value: str) -> None:
    await sealed.owner.execute(f"update audit_entry set {column} = {value} where id = 6")  # noqa: S608  # from above

    assert (await sealed.verify()).findings == (Finding(kind=FindingKind.ENTRY_CHANGED, block=2, entry=6),)


async def test_a_removed_entry_is_found(sealed: Trail) -> None:
    await sealed.owner.execute("delete from audit_entry where id = 12")

    assert (await sealed.verify()).findings == (Finding(kind=FindingKind.ENTRY_MISSING, block=3, entry=12),)


async def test_an_entry_kept_from_the_sealer_is_found(sealed: Trail) -> None:
    await sealed.write(entry())
    async with sealed.database.transaction() as connection:
        await connection.execute("delete from audit_unsealed_group")  # which the run-time role is able to do

    assert (await sealed.verify()).findings == (Finding(kind=FindingKind.ENTRY_UNSEALED, entry=13),)


@pytest.mark.parametrize("listed_by", ["this version", "the version before"])
async def test_an_entry_removed_before_it_was_sealed_leaves_a_hole_on_record(sealed: Trail, listed_by: str) -> None:
    await sealed.write(entry(), entry())
    if listed_by == "the version before":
        await sealed.owner.execute("update audit_unsealed_group set digests = null")
    await sealed.owner.execute("delete from audit_entry where id = 13")
    assert await Sealer(sealed.database).seal() == 2

    assert (await sealed.verify()).findings == (Finding(kind=FindingKind.ENTRY_MISSING, block=4, entry=13),)


async def test_an_entry_changed_before_it_was_sealed_is_found(sealed: Trail) -> None:
    await sealed.write(entry(), entry())
    await sealed.owner.execute("update audit_entry set purpose = 'curiosity' where id = 14")
    assert await Sealer(sealed.database).seal() == 2

    assert (await sealed.verify()).findings == (Finding(kind=FindingKind.ENTRY_CHANGED, block=4, entry=14),)


@pytest.mark.parametrize(
    "change",
    [
        "digests = overlay(digests placing '\\x00' from 40)",
        "entry_ids = array[5, 6, 8, 7]",
        "sealed_at = sealed_at + interval '1 microsecond'",
        "hash = overlay(hash placing substring(hash from 2 for 2) from 1)",
    ],
)
async def test_a_changed_block_is_found(sealed: Trail, change: str) -> None:
    await sealed.owner.execute(f"update audit_chain set {change} where number = 2")  # noqa: S608  # from above

    findings = (await sealed.verify()).findings
    assert {finding.kind for finding in findings} & {FindingKind.BLOCK_CHANGED}
    assert findings[0].block == 2


async def test_an_entry_changed_together_with_its_block_breaks_the_block_after_it(sealed: Trail) -> None:
    await forge(sealed, number=2, entry_id=6)

    assert (await sealed.verify()).findings == (Finding(kind=FindingKind.BLOCK_CHANGED, block=3),)


async def test_a_missing_block_is_found_with_its_entries(sealed: Trail) -> None:
    await sealed.owner.execute("delete from audit_chain where number = 2")

    findings = (await sealed.verify()).findings
    assert Finding(kind=FindingKind.BLOCK_MISSING, block=2) in findings
    assert {finding.entry for finding in findings if finding.kind is FindingKind.ENTRY_UNSEALED} == {5, 6, 7, 8}


async def test_an_entry_sealed_a_second_time_is_found(sealed: Trail) -> None:
    await sealed.owner.execute("insert into audit_unsealed_group (entry_ids) values (array[3])")
    await Sealer(sealed.database).seal()

    assert Finding(kind=FindingKind.ENTRY_SEALED_TWICE, entry=3) in (await sealed.verify()).findings


async def test_a_chain_cut_at_its_end_is_found_by_an_anchor_alone(sealed: Trail) -> None:
    anchor = (await sealed.verify()).head
    await sealed.owner.execute("delete from audit_chain where number = 3")
    await sealed.owner.execute("delete from audit_entry where id > 8")

    assert (await sealed.verify()).is_intact
    assert (await sealed.verify(anchor)).findings == (Finding(kind=FindingKind.ANCHOR_DIFFERS, block=3),)


async def test_a_chain_made_anew_is_found_by_an_anchor_alone(sealed: Trail) -> None:
    anchor = (await sealed.verify()).head
    await forge(sealed, number=3, entry_id=12)

    assert (await sealed.verify()).is_intact
    assert (await sealed.verify(anchor)).findings == (Finding(kind=FindingKind.ANCHOR_DIFFERS, block=3),)


async def test_an_anchor_that_holds_is_no_finding(sealed: Trail) -> None:
    anchor = (await sealed.verify()).head
    await sealed.write(entry())
    await Sealer(sealed.database).seal()

    assert (await sealed.verify(anchor)).is_intact


async def forge(trail: Trail, *, number: int, entry_id: int) -> None:
    """What somebody with the owner's rights could do: change an entry and make its block fit."""
    await trail.owner.execute("update audit_entry set purpose = 'curiosity' where id = $1", entry_id)
    block = await trail.owner.fetchrow("select * from audit_chain where number = $1", number)
    assert block is not None
    previous = await trail.owner.fetchval("select hash from audit_chain where number = $1", number - 1)
    rows = await trail.owner.fetch("select * from audit_entry where id = any ($1) order by id", block["entry_ids"])
    digests = b"".join(digest(row["id"], entry_of(row)) for row in rows)
    forged = block_hash(number, previous, block["sealed_at"], block["entry_ids"], digests)
    await trail.owner.execute(
        "update audit_chain set digests = $2, hash = $3 where number = $1", number, digests, forged
    )


# bytes ------------------------------------------------------------------------------------------------------------------------

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
entries = st.builds(
    audit.Entry,
    actor=texts,
    action=texts,
    subject=st.none() | st.uuids(),
    object_type=texts,
    object_id=texts,
    purpose=texts,
    at=st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001  # hypothesis wants it naive
)


@given(st.integers(1, 2**62), entries, st.integers(1, 2**62), entries)
def test_two_entries_have_one_digest_only_if_they_are_equal(
    one_id: int, one: audit.Entry, other_id: int, other: audit.Entry
) -> None:
    assert (digest(one_id, one) == digest(other_id, other)) == ((one_id, one) == (other_id, other))


@given(entries)
def test_no_text_can_be_moved_from_one_field_into_the_next(one: audit.Entry) -> None:
    assert digest(1, one._replace(actor=one.actor + "x")) != digest(1, one._replace(action="x" + one.action))


def test_the_same_instant_in_another_zone_has_the_same_digest() -> None:
    one = entry()
    assert digest(1, one) == digest(1, one._replace(at=one.at.astimezone(timezone(timedelta(hours=2)))))


def test_the_digest_is_what_the_docstring_says() -> None:
    one = entry(3)._replace(subject=UUID(int=7), actor="bør")
    told = (
        '[9,"bør","cards.read","00000000-0000-0000-0000-000000000007","card","request-3","address a letter",'
        '"2026-11-02T12:00:03.000000Z"]'
    )
    assert digest(9, one) == sha256(told.encode()).digest()


def test_an_anchor_is_spelt_without_digits() -> None:
    assert Anchor(number=1, hash=bytes(range(0, 256, 8))).spelt.isalpha()
