"""The bare loop that the intake stage is held against: aiokafka and asyncpg, nothing else.

It decodes each notification, inserts the same rows in the same tables in one transaction a batch, produces messages of
the same number and size with the same guarantees (acks=all, idempotent), waits for them, and commits its offsets. It
validates nothing, resolves and seals nothing, knows no duplicates and rejects nothing, has no outbox: what it
announces is lost if it dies between commit and send.
"""

import asyncio
import base64
import json
import os
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from bench.child import Measured, Task, meter

_ABSENCES = """
insert into absence (absence_id, absence_reference, state, repeat_key, report_content, content, reporter, citizen_id,
notification_id, receipt_id, first_absence_day, told_sent_at, told_id, version, accepted_at)
select id, reference, 'reported', key, content, content, reporter, citizen_id, notification_id, receipt_id, day, sent_at,
notification_id, 1, $11
from unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::bytea[], $5::bytea[], $6::uuid[], $7::uuid[], $8::uuid[], $9::date[],
$10::timestamptz[]) as t (id, reference, key, content, reporter, citizen_id, notification_id, receipt_id, day, sent_at)
"""
_NOTIFICATIONS = """
insert into notification (notification_id, fingerprint, original_id, receipt_id, absence_id, received_at)
select id, fingerprint, id, receipt_id, absence_id, $5
from unnest($1::uuid[], $2::bytea[], $3::uuid[], $4::uuid[]) as new (id, fingerprint, receipt_id, absence_id)
"""
_CARDS = "insert into card (citizen_id, candidate) select * from unnest($1::uuid[], $2::uuid[])"
_FATES = """
insert into inbox_record (topic, partition, "offset", fingerprint, fate, message_id) select $1, partition, "offset", 0,
'accepted', id from unnest($2::integer[], $3::bigint[], $4::text[]) as t (partition, "offset", id)
"""
_AUDIT = """
with written as (
    insert into audit_entry (actor, action, subject, object_type, object_id, purpose, at)
    select 'service:intake', 'absence.accepted', subject, 'absence', object, 'case-handling', $3
    from unnest($1::uuid[], $2::text[]) as t (subject, object)
    returning id
)
insert into audit_unsealed_group (entry_ids) select array_agg(id) from written
"""


async def run(task: Task) -> Measured:
    """Work `task.count` notifications; the time runs from the first batch to the last offset commit."""
    pool = await asyncpg.create_pool(task.dsn, min_size=1, max_size=4)
    producer = AIOKafkaProducer(
        bootstrap_servers=task.bootstrap,
        acks="all",
        enable_idempotence=True,
        linger_ms=5,
        max_batch_size=131_072,
        compression_type="lz4",
    )
    consumer = AIOKafkaConsumer(
        task.topic,
        bootstrap_servers=task.bootstrap,
        group_id=task.group,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        fetch_max_wait_ms=100,
    )
    await producer.start()
    await consumer.start()
    done = 0
    try:
        while done < task.count:
            batches = await consumer.getmany(timeout_ms=20, max_records=500)
            records = [record for batch in batches.values() for record in batch]
            if not records:
                continue
            meter.begin()
            await _work(pool, producer, records)
            await consumer.commit()
            done += len(records)
        return meter.end(done)
    finally:
        await consumer.stop()
        await producer.stop()
        await pool.close()


async def _work(pool: Any, producer: Any, records: list[Any]) -> None:
    now = datetime.now(UTC)
    told = [json.loads(record.value) for record in records]
    absences = [uuid4() for _ in told]
    citizens = [uuid4() for _ in told]
    receipts = [uuid4() for _ in told]
    notifications = [UUID(one["notification_id"]) for one in told]
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(_NOTIFICATIONS, notifications, [os.urandom(32) for _ in told], receipts, absences, now)
        await connection.execute(
            _ABSENCES,
            absences,
            [UUID(one["absence_reference"]) for one in told],
            [os.urandom(32) for _ in told],
            [os.urandom(32) for _ in told],
            [os.urandom(32) for _ in told],
            citizens,
            notifications,
            receipts,
            [date.fromisoformat(one["first_absence_day"]) for one in told],
            [datetime.fromisoformat(one["sent_at"]) for one in told],
            now,
        )
        await connection.execute(
            _FATES,
            records[0].topic,
            [record.partition for record in records],
            [record.offset for record in records],
            [one["notification_id"] for one in told],
        )
        await connection.execute(_CARDS, citizens, notifications)
        await connection.execute(_AUDIT, citizens, [str(one) for one in absences], now)
    futures = []
    for record, one, absence, citizen, receipt in zip(records, told, absences, citizens, receipts, strict=True):
        for topic, message in _messages(record, one, absence=absence, citizen=citizen, receipt=receipt, now=now):
            futures.append(
                await producer.send(
                    topic, key=str(absence).encode(), value=json.dumps(message).encode(), headers=_headers(topic, now)
                )
            )
    await asyncio.gather(*futures)


def _messages(
    record: Any, told: dict[str, Any], *, absence: UUID, citizen: UUID, receipt: UUID, now: datetime
) -> list[tuple[str, dict[str, Any]]]:
    event = {
        "absence_id": str(absence),
        "citizen_id": str(citizen),
        "notification_id": told["notification_id"],
        "citizen_kind": told["citizen_kind"],
        "reporter_kind": told["reporter"]["kind"],
        "municipality_code": told["municipality_code"],
        "first_absence_day": told["first_absence_day"],
        "last_absence_day": told.get("last_absence_day"),
        "pay": told.get("pay"),
        "reporter_deadline": "on_time",
        "early": False,
        "sent_at": told["sent_at"],
        "received_at": now.isoformat(),
        # as long as what is sealed there, and as little to be compressed
        "reported": base64.b64encode(os.urandom(len(record.value) - 345)).decode(),
    }
    answer = {
        "receipt_id": str(receipt),
        "notification_id": told["notification_id"],
        "outcome": "accepted",
        "reasons": [],
        "ignored_fields": 0,
        "absence_reference": told["absence_reference"],
        "absence_id": str(absence),
        "received_at": now.isoformat(),
        "position": {"topic": record.topic, "partition": record.partition, "offset": record.offset},
    }
    return [("sygefravaer.absence.v1", event), ("nemrefusion.receipt.v1", answer)]


def _headers(topic: str, now: datetime) -> list[tuple[str, bytes]]:
    return [
        ("ce_specversion", b"1.0"),
        ("content-type", b"application/json"),
        ("ce_type", b"dk.mitsygefravaer.absence.reported.v1"),
        ("ce_source", topic.encode()),
        ("ce_id", str(uuid4()).encode()),
        ("ce_time", now.isoformat().encode()),
        ("ce_dataschema", b"urn:mitsygefravaer:schema:absence.reported.v1"),
    ]
