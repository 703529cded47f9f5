"""From a notification and its citizen to what is judged: hashes to compare by, the ids that follow from it.

Whatever could be guessed is hashed under a key: the hash says nothing to whoever lacks it.
"""

from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple
from uuid import UUID

from typing_extensions import override

from contracts.nemrefusion.v1 import (
    AbsenceReport,
    Amendment,
    AnyNotification,
    Employer,
    Parsed,
    UnemploymentFund,
    parse_notification,
)
from plumbing import ids
from plumbing.bus import Record
from services.intake.domain import Citizen, Claim
from services.intake.usecases.reading import Notice

_NOT_TOLD = {"version", "kind", "notification_id", "absence_reference", "sent_at", "citizen"}


class Candidate(NamedTuple):
    """A notification on its way in. `told` is what it tells, in clear, as JSON; `fingerprint` the keyed hash of all of it."""

    notification_id: UUID
    notice: Notice
    citizen: Citizen
    told: bytes
    fingerprint: bytes
    absence_id: UUID
    claim: Claim

    @override
    def __repr__(self) -> str:
        return f"Candidate({self.notice!r})"

    @property
    def receipt_id(self) -> UUID:
        """The receipt that this notification, and every repeat of it, gets."""
        return self.claim.receipt_id


class Candidates:
    """Makes them, under this service's key."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        # the same employers report again and again
        self._reporter = lru_cache(maxsize=4096)(lambda name: self._keyed(name.encode()))

    @property
    def key_id(self) -> str:
        """A name for the key that tells nothing of it."""
        return self._keyed(b"key id").hex()[:16]

    def of(self, notice: Notice, citizen: Citizen) -> Candidate:
        """What is judged about a notification of this citizen."""
        body = notice.notification
        fingerprint = self.fingerprint(notice)
        told = body.__pydantic_serializer__.to_json(body, exclude=_NOT_TOLD, exclude_defaults=True)
        repeat_key = None
        if isinstance(body, AbsenceReport | Amendment):
            repeat_key = self._keyed(_same_absence(body, citizen.citizen_id))
        return Candidate(
            notification_id=body.notification_id,
            notice=notice,
            citizen=citizen,
            told=told,
            fingerprint=fingerprint,
            absence_id=ids.derive(body.absence_reference, "absence"),
            claim=Claim(
                notification=body,
                citizen_id=citizen.citizen_id,
                reporter=self._reporter(_reporter(body)),
                content=self._keyed(told),
                repeat_key=repeat_key,
                receipt_id=ids.derive(body.notification_id, fingerprint.hex(), "receipt"),
            ),
        )

    def again(self, record: Record, citizen: Citizen) -> Candidate:
        """The same once more, of a record that was judged before and kept."""
        parsed = parse_notification(record.value)
        if not isinstance(parsed, Parsed):
            raise ValueError("what was kept can no longer be read")
        notice = Notice(record, parsed.notification, parsed.fingerprint(), parsed.ignored_fields)
        return self.of(notice, citizen)

    def fingerprint(self, notice: Notice) -> bytes:
        """What tells two messages under one id apart."""
        return self._keyed(notice.fingerprint)

    def _keyed(self, content: bytes) -> bytes:
        return blake2b(content, key=self._key, digest_size=32).digest()


def _reporter(notification: AnyNotification) -> str:
    """Who reports: of an employer the company, whichever of its places of work it names."""
    reporter = notification.reporter
    who = reporter.fund_number.zfill(4) if isinstance(reporter, UnemploymentFund) else reporter.cvr
    return f"{reporter.kind}\x1f{who}"


def _same_absence(report: AbsenceReport | Amendment, citizen_id: UUID) -> bytes:
    """Citizen, reporter, employment and first day: what detects a second report of the same (N5)."""
    unit = report.reporter.production_unit if isinstance(report.reporter, Employer) else ""
    employment = report.employment.employment_number if report.employment is not None else None
    told = (str(citizen_id), _reporter(report), unit, employment or "", report.first_absence_day.isoformat())
    return "\x1f".join(told).encode()
