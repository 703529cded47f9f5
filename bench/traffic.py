"""What is worked in a comparison: notifications already on a topic of their own, absences already in the tables; and on which
servers."""

import asyncio
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
from aiokafka import AIOKafkaProducer

from deploy.kafka import TopicToMake
from plumbing.postgres import migrations
from simulators.nemrefusion.traffic import Mix, generate
from stack import Stack

PARTITIONS = 6
_LARGEST = 500_000  # those that are too large on purpose would measure the broker


@contextmanager
def servers() -> Iterator[Stack]:
    """Fresh servers of the bench's own, taken down afterwards."""
    run_dir = Path(tempfile.mkdtemp(prefix="mit-sygefravaer-bench-"))
    run_dir.chmod(0o711)
    try:
        stack = Stack.start(run_dir)
        try:
            yield stack
        finally:
            stack.stop()
    finally:
        shutil.rmtree(run_dir, ignore_errors=True)


def empty_database(stack: Stack, service: str) -> str:
    """The name of a database of the service that has its tables, to be copied for each run."""
    made = stack.create_database(service, suffix="_bench")
    migrations.upgrade(f"services.{service}.migrations", made.owner_dsn, role=made.role)
    return made.name


def clean_topic(stack: Stack, count: int) -> str:
    """A topic with so many distinct valid notifications; says how large they are."""
    topic = f"bench.notification.{secrets.token_hex(4)}"
    size = preload(stack, topic, count, seed=7)
    print(f"{count} notifications of {size / count:.0f} bytes a run", flush=True)
    return topic


def preload(stack: Stack, topic: str, count: int, *, seed: int, bad: float = 0) -> int:
    """Put `count` distinct notifications on a fresh topic, a share of them bad; their size in bytes."""
    stack.make_topics(TopicToMake(name=topic, partitions=PARTITIONS, config={"retention.ms": "-1"}))
    return asyncio.run(_produce(stack.kafka_bootstrap, topic, count, seed, bad))


async def fill(dsn: str, *, absences: int) -> None:
    """Put so many reported absences into intake's tables, with their notifications and fates, and vacuum."""
    connection = await asyncpg.connect(dsn)
    try:
        for statement in (_FILL_NOTIFICATIONS, _FILL_ABSENCES, _FILL_FATES):
            await connection.execute(statement, absences, timeout=600)
        await connection.execute("vacuum analyze", timeout=600)
    finally:
        await connection.close()


async def _produce(bootstrap: str, topic: str, count: int, seed: int, bad: float) -> int:
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", linger_ms=20, max_batch_size=262_144, compression_type="lz4"
    )
    await producer.start()
    size = 0
    try:
        yesterday = (datetime.now(UTC) - timedelta(days=1)).date()
        mix = Mix(bad=bad, duplicates=0, odd=0, conflicts=0, second_employers=0)
        futures = []
        for sent in generate(seed=seed, count=2 * count, as_of=yesterday, mix=mix):
            if len(sent.value or b"") > _LARGEST:
                continue
            size += len(sent.value or b"")
            futures.append(await producer.send(topic, key=sent.key, value=sent.value))
            if len(futures) == count:
                break
        await asyncio.gather(*futures)
    finally:
        await producer.stop()
    return size


_FILL_NOTIFICATIONS = """
insert into notification (notification_id, fingerprint, original_id, receipt_id, absence_id, received_at)
select id, sha256(id::text::bytea), id, gen_random_uuid(), md5(id::text)::uuid, now()
from (select gen_random_uuid() as id from generate_series(1, $1)) as made
"""
_FILL_ABSENCES = """
insert into absence (absence_id, absence_reference, state, citizen_id, reporter, repeat_key, report_content, content,
                     notification_id, receipt_id, first_absence_day, told_sent_at, told_id, version, accepted_at)
select absence_id, gen_random_uuid(), 'reported', gen_random_uuid(), fingerprint, sha256(fingerprint), fingerprint, fingerprint,
       notification_id, receipt_id, date '2026-01-01', now(), notification_id, 1, now()
from notification limit $1
"""
_FILL_FATES = """
insert into inbox_record (topic, partition, "offset", fingerprint, fate, message_id)
select 'nemrefusion.notification.v1', nth % 6, nth / 6, nth, 'accepted', gen_random_uuid()::text
from generate_series(1, $1::bigint) as nth
"""
