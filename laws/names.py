"""Names of topics, types, services and groups, written down a second time on purpose."""

from typing import Final
from uuid import UUID, uuid5

NOTIFICATION: Final = "nemrefusion.notification.v1"
RECEIPT: Final = "nemrefusion.receipt.v1"
ABSENCE: Final = "sygefravaer.absence.v1"
TASK: Final = "sygefravaer.task.v1"
LETTER_REQUEST: Final = "sygefravaer.letter-request.v1"
LETTER: Final = "sygefravaer.letter.v1"
DOCUMENT: Final = "sygefravaer.document.v1"

CONSUMERS: Final = (
    (NOTIFICATION, "intake"),
    (ABSENCE, "tasks"),
    (ABSENCE, "uploads"),
    (LETTER, "tasks"),
    (LETTER_REQUEST, "notifier"),
)
"""Which service reads which topic."""

TASK_OPENED: Final = "dk.mitsygefravaer.task.opened.v1"
TASK_DEADLINE_SET: Final = "dk.mitsygefravaer.task.deadline_set.v1"
TASK_CLOSED: Final = "dk.mitsygefravaer.task.closed.v1"
LETTER_DISPATCHED: Final = "dk.mitsygefravaer.letter.dispatched.v1"
LETTER_FAILED: Final = "dk.mitsygefravaer.letter.failed.v1"
LETTER_RETURNED: Final = "dk.mitsygefravaer.letter.returned.v1"

REPORT: Final = "absence_reported"
AMENDMENT: Final = "amended"
REFUND: Final = "refund_requested"
FAST_TRACK: Final = "fast_track_requested"
RECOVERY: Final = "recovered"
WITHDRAWAL: Final = "withdrawn"
EVENT_OF: Final = {
    REPORT: "dk.mitsygefravaer.absence.reported.v1",
    AMENDMENT: "dk.mitsygefravaer.absence.amended.v1",
    REFUND: "dk.mitsygefravaer.absence.refund_requested.v1",
    FAST_TRACK: "dk.mitsygefravaer.absence.fast_track_requested.v1",
    RECOVERY: "dk.mitsygefravaer.absence.recovered.v1",
    WITHDRAWAL: "dk.mitsygefravaer.absence.withdrawn.v1",
}
"""The event that tells of an accepted notification, by the notification's kind."""

DIGITAL_POST: Final = "Digital Post"
PAPER: Final = "Fysisk Post"
CHANNELS: Final = {DIGITAL_POST: "digital_post", PAPER: "paper"}
"""The gateway's word for a channel, and ours."""
PROOFS: Final = {DIGITAL_POST: "Afleveret Digital Post", PAPER: "Modtaget Post Danmark"}
"""The gateway's status that proves a dispatch, by channel (T2: takeover, posting)."""
NEGATIVES: Final = ("Fejlet", "Tilbagekaldt")
"""The gateway's statuses by which a sending definitively failed."""
POST_UPDATE: Final = "Opdatering fra Post Danmark"
OUTCOME_UNKNOWN: Final = "outcome-unknown"

SUBMITTED: Final = "dk.mitsygefravaer.document.submitted.v1"
SUBMISSION_REFUSED: Final = "dk.mitsygefravaer.document.submission_refused.v1"

CLEAN_BUCKET: Final = "mitsyg-clean"
INBOUND_BUCKET: Final = "mitsyg-inbound"
READERS: Final = {CLEAN_BUCKET: frozenset({"uploads", "ksd_bridge"}), INBOUND_BUCKET: frozenset({"uploads"})}
"""Which accounts of the object store may read what lies in a bucket, if they know its key."""
LISTERS: Final = {CLEAN_BUCKET: frozenset[str](), INBOUND_BUCKET: frozenset({"sweeper"})}
"""Which may ask what there is."""

SERVICES: Final = ("citizens", "intake", "tasks", "uploads", "notifier")
VAULT: Final = "citizens"


def group(service: str, topic: str) -> str:
    return f"mitsyg.{service}.{topic}"


def dead_letters(service: str, topic: str) -> str:
    return f"{group(service, topic)}.dlq"


_DERIVED: Final = UUID("5f6d1c0e-6d1f-5a55-9a4c-3f1f6e3b7c21")


def derived(*parts: object) -> str:
    """The id of what follows from `parts`, a cause's id and the name of the step."""
    return str(uuid5(_DERIVED, "\x1f".join(map(str, parts))))
