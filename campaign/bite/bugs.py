"""The bugs: mistakes that services of this kind make, each as a patch, and the raid in which it has to show."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

SUBSCRIPTION: Final = "plumbing/bus/subscription.py"
INBOX: Final = "plumbing/inbox.py"
OUTBOX: Final = "plumbing/outbox/store.py"
RELAY: Final = "plumbing/outbox/relay.py"
WORKER: Final = "plumbing/jobs/worker.py"
TASKS: Final = "services/tasks/usecases/announcements.py"
TASKS_DOMAIN: Final = "services/tasks/domain/clocks.py"
SEND_LETTER: Final = "services/notifier/usecases/send_letter.py"
SURFACE_OVERDUE: Final = "services/notifier/usecases/surface_overdue.py"
LETTERS: Final = "services/notifier/store/letters.py"
INTAKE_DOMAIN: Final = "services/intake/domain/absence.py"
ANNOUNCEMENTS: Final = "services/intake/usecases/announcements.py"
JOINING: Final = "services/intake/usecases/joining.py"
TAKE_FILE: Final = "services/uploads/usecases/take_file.py"
UPLOADS_ROUTES: Final = "services/uploads/api/routes.py"
SWEEP: Final = "services/intake/usecases/sweep.py"


@dataclass(frozen=True, kw_only=True, slots=True)
class Patch:
    """In `file`, each of the `changes`: a text that stands there once, and what stands there instead."""

    file: str
    changes: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Bug:
    """`raid` names the run that has to find it."""

    name: str
    patch: Patch
    raid: str


BUGS: Final[tuple[Bug, ...]] = (
    Bug(
        name="offset committed before the work",
        raid="killed before the work",
        patch=Patch(
            file=SUBSCRIPTION,
            changes={
                "                await self._persist(records, began)\n": (
                    "                await self._commit(message)\n                await self._persist(records, began)\n"
                ),
            },
        ),
    ),
    Bug(
        name="ack policy that commits on error",
        raid="raised after the fetch",
        patch=Patch(
            file=SUBSCRIPTION,
            changes={
                "            ack_policy=AckPolicy.NACK_ON_ERROR,": "            ack_policy=AckPolicy.ACK,",
                # which alone would hide it: what was gone back for is not committed
                "            self._rewind(message)\n            raise\n": "            raise\n",
            },
        ),
    ),
    Bug(
        name="inbox skipped",
        raid="killed after producing",
        patch=Patch(
            file=INBOX,
            changes={'    return {row["message_id"] for row in rows}\n': "    return set(message_ids)\n"},
        ),
    ),
    Bug(
        name="produced outside the outbox, before the commit",
        raid="raised before the commit",
        patch=Patch(
            file=OUTBOX,
            changes={
                '    await connection.copy_records_to_table("outbox", ': (
                    "    import os\n"
                    "    from aiokafka import AIOKafkaProducer\n"
                    '    producer = AIOKafkaProducer(bootstrap_servers=os.environ["KAFKA_BOOTSTRAP_SERVERS"])\n'
                    "    await producer.start()\n"
                    "    for message in messages:\n"
                    "        await producer.send_and_wait(\n"
                    "            message.topic, key=message.key.encode(), value=message.value, headers=list(message.headers)\n"
                    "        )\n"
                    "    await producer.stop()\n"
                    "    return\n"
                    '    await connection.copy_records_to_table("outbox", '
                ),
            },
        ),
    ),
    Bug(
        name="outbox row marked sent before the acknowledgement",
        raid="killed before producing",
        patch=Patch(
            file=RELAY,
            changes={
                '        faultpoint("relay.after_read")\n': (
                    "        async with self._database.acquire() as connection:\n"
                    "            await store.delete(connection, [row.seq for row in rows], self._owner, epoch)\n"
                    '        faultpoint("relay.after_read")\n'
                ),
            },
        ),
    ),
    Bug(
        name="letter id made at random",
        raid="restored from a backup",
        patch=Patch(
            file=TASKS,
            changes={
                "from uuid import UUID\n": "from uuid import UUID, uuid4\n",
                'letter_id=ids.derive(cause, "letter"),': "letter_id=uuid4(),",
            },
        ),
    ),
    Bug(
        name="retry with a new message id",
        raid="the gateway accepts and says 500",
        patch=Patch(
            file=SEND_LETTER,
            changes={
                "from uuid import UUID\n": "from uuid import UUID, uuid4\n",
                "return await self._recall(claim, letter)": "return await self._anew(letter)",
                "    async def _recall(": (
                    "    async def _anew(self, letter: Letter) -> _Fixed:\n"
                    "        recipient = await self._people.recipient(letter.request.citizen_id)\n"
                    "        sender = municipality(letter.request.municipality_code)\n"
                    "        assert isinstance(recipient, Recipient) and sender is not None and letter.channel is not None\n"
                    "        made_up = str(uuid4())\n"
                    "        request = (await self._write(letter.request, letter.channel, made_up, recipient, sender)).body\n"
                    "        return _Fixed(channel=letter.channel, gateway_id=made_up, request=request, may_be_taken=True)\n\n"
                    "    async def _recall("
                ),
            },
        ),
    ),
    Bug(
        name="fallback without a definitive failure",
        raid="some statuses come late",
        patch=Patch(
            file=SURFACE_OVERDUE,
            changes={
                "domain.unknowable(letter)": 'domain.after_negative(letter, "recipient.exempt", domain.Ways())',
            },
        ),
    ),
    Bug(
        name="status matched by order",
        raid="some statuses come late",
        patch=Patch(
            file=LETTERS,
            changes={
                "        names = {row[\"gateway_id\"]: name_of(row) for row in await connection"
                ".fetch(_BY_GATEWAY_ID, list(gateway_ids))}\n": (
                    "        waiting = await connection.fetch(\n"
                    """            "select letter_id, version from letter where state in ('in_doubt', 'handed_over')"\n"""
                    """            " order by awaiting_since limit $1",\n"""
                    "            len(gateway_ids),\n"
                    "        )\n"
                    "        names = dict(zip(gateway_ids, map(name_of, waiting), strict=False))\n"
                ),
            },
        ),
    ),
    Bug(
        name="clock started when the gateway takes the letter over",
        raid="some statuses never come",
        patch=Patch(
            file=SEND_LETTER,
            changes={
                "from dataclasses import dataclass, replace\n": (
                    "from dataclasses import dataclass, replace\nfrom datetime import UTC, datetime\n"
                ),
                "                return Done(write=self._moving(letter, domain.handed_over))\n": (
                    "                proof = domain.Proof(\n"
                    "                    channel=fixed.channel,\n"
                    "                    transmission_id=fixed.gateway_id,\n"
                    '                    status_code="200",\n'
                    "                    at=datetime.now(UTC),\n"
                    "                )\n"
                    "                done = domain.LetterState.DISPATCHED\n"
                    "                return Done(write=self._moving(letter, lambda one: (\n"
                    "                    one if one.state.is_final else replace(one, state=done, proof=proof)\n"
                    "                )))\n"
                ),
            },
        ),
    ),
    Bug(
        name="resent after an unknown outcome",
        raid="the gateway forgets, accepts and says 500",
        patch=Patch(
            file=SEND_LETTER,
            changes={
                "            case Answer.UNKNOWN if self._dedupes:\n": "            case Answer.UNKNOWN:\n",
                "                    write=self._moving(letter, domain.unsure),\n": (
                    "                    write=self._moving(letter, domain.not_taken),\n"
                ),
            },
        ),
    ),
    Bug(
        name="who was cut short is taken to have done nothing",
        raid="raised after the call, and refused when called again",
        patch=Patch(
            file=WORKER,
            changes={
                "verdict, is_abandoned = Again(reason=type(error).__name__), True\n": (
                    "verdict, is_abandoned = Again(reason=type(error).__name__), False\n"
                ),
            },
        ),
    ),
    Bug(
        name="header decode error swallowed",
        raid="odd headers",
        patch=Patch(file=SUBSCRIPTION, changes={"            parser=_never_raising,\n": ""}),
    ),
    Bug(
        name="work dropped on shutdown",
        raid="drained while the vault is away",
        patch=Patch(
            file=SUBSCRIPTION,
            changes={
                "                if await self._given_up_within(pause):\n                    raise\n": (
                    "                if await self._given_up_within(pause):\n                    return\n"
                ),
                "began > self._patience:\n                    raise\n": "began > self._patience:\n                    return\n",
            },
        ),
    ),
    Bug(
        name="deadline as 24 hours times 8",
        raid="odd headers",
        patch=Patch(
            file=TASKS_DOMAIN,
            changes={
                "        return end_of_day(self.day)\n": (
                    "        return end_of_day(self.day_zero) + timedelta(hours=24 * 8)\n"
                ),
            },
        ),
    ),
    Bug(
        name="the later arrival wins over the later sent",
        raid="much about each absence, early and late",
        patch=Patch(
            file=INTAKE_DOMAIN,
            changes={
                "    if absence.told_at is not None and claim.stamp < absence.told_at:\n": (
                    "    if absence.told_at is not None and claim.stamp < absence.told_at[:0]:\n"
                ),
            },
        ),
    ),
    Bug(
        name="a waiting notification forgotten at the join",
        raid="much about each absence, early and late",
        patch=Patch(
            file=JOINING,
            changes={
                "        for one in waiting:\n            verdict = decide(absence, one.claim)\n": (
                    "        for one in waiting[1:]:\n            verdict = decide(absence, one.claim)\n"
                ),
            },
        ),
    ),
    Bug(
        name="a second receipt from the sweep",
        raid="much about each absence, early and late",
        patch=Patch(
            file=SWEEP,
            changes={
                "        await outbox.put(connection, letters)\n": (
                    "        from contracts.nemrefusion.v1 import reason\n"
                    "        from services.intake.usecases import announcements\n"
                    "        from services.intake.usecases.reading import Rejected\n"
                    "        again = [\n"
                    '            Rejected(record, (reason("absence_reference", ReasonCode(why[0].code)),), None, None)\n'
                    "            for record, why in graves\n"
                    "        ]\n"
                    "        await outbox.put(connection, [*letters, *announcements.receipts(again, now)])\n"
                ),
            },
        ),
    ),
    Bug(
        name="a CPR number in an event that others read",
        raid="much about each absence, early and late",
        patch=Patch(
            file=ANNOUNCEMENTS,
            changes={
                "    return encode(event, event_id=ids.derive(candidate.receipt_id, step), time=received_at)\n": (
                    "    encoded = encode(event, event_id=ids.derive(candidate.receipt_id, step), time=received_at)\n"
                    """    told = encoded.value[:-1] + f',"of":"{body.citizen.cpr}"}}'.encode()\n"""
                    "    return encoded._replace(value=told)\n"
                ),
            },
        ),
    ),
    Bug(
        name="a document published before the verdict",
        raid="documents, good and bad",
        patch=Patch(
            file=TAKE_FILE,
            changes={
                "        finding = await self._found(file, incoming)\n": (
                    "        await self._clean.put(\n"
                    "            object_key(place.submission.absence_id, file),\n"
                    "            incoming.body,\n"
                    "            size=file.size,\n"
                    "            digest=file.digest,\n"
                    "            media_type=file.media_type.value,\n"
                    "        )\n"
                    "        finding = await self._found(file, incoming)\n"
                ),
            },
        ),
    ),
    Bug(
        name="a citizen led to the store by a signed address",
        raid="documents, good and bad",
        patch=Patch(
            file=UPLOADS_ROUTES,
            changes={
                "        return _given_out(await self._verbs.show.content(caller, submission_id, file_id))\n": (
                    "        import os\n"
                    "        from minio import Minio\n"
                    "        given = await self._verbs.show.content(caller, submission_id, file_id)\n"
                    "        shown = await self._verbs.show.one(caller, submission_id)\n"
                    "        told = os.environ\n"
                    "        store = Minio(\n"
                    """            told["S3_ENDPOINT_URL"].partition("//")[2],\n"""
                    """            told["S3_ACCESS_KEY_ID"],\n"""
                    """            told["S3_SECRET_ACCESS_KEY"],\n"""
                    "            secure=False,\n"
                    """            region=told["S3_REGION"],\n"""
                    "        )\n"
                    """        key = f"{shown.submission.absence_id}/{file_id}/{given.file.digest}"\n"""
                    """        address = store.presigned_get_object("mitsyg-clean", key)\n"""
                    """        return Response(status_code=307, headers={"location": address})\n"""
                ),
            },
        ),
    ),
)  # fmt: skip
