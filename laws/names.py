"""Names of topics, types, services and groups, written down a second time on purpose."""

from typing import Final

NOTIFICATION: Final = "nemrefusion.notification.v1"
RECEIPT: Final = "nemrefusion.receipt.v1"
ABSENCE: Final = "sygefravaer.absence.v1"
TASK: Final = "sygefravaer.task.v1"
LETTER_REQUEST: Final = "sygefravaer.letter-request.v1"
LETTER: Final = "sygefravaer.letter.v1"

CONSUMERS: Final = ((NOTIFICATION, "intake"), (ABSENCE, "tasks"), (LETTER, "tasks"), (LETTER_REQUEST, "notifier"))
"""Which service reads which topic."""

TASK_OPENED: Final = "dk.mitsygefravaer.task.opened.v1"
TASK_DEADLINE_SET: Final = "dk.mitsygefravaer.task.deadline_set.v1"
LETTER_DISPATCHED: Final = "dk.mitsygefravaer.letter.dispatched.v1"
LETTER_FAILED: Final = "dk.mitsygefravaer.letter.failed.v1"

DELIVERED: Final = "Afleveret Digital Post"
"""The gateway's status that proves a dispatch by Digital Post."""

SERVICES: Final = ("citizens", "intake", "tasks", "notifier")
VAULT: Final = "citizens"


def group(service: str, topic: str) -> str:
    return f"mitsyg.{service}.{topic}"


def dead_letters(service: str, topic: str) -> str:
    return f"{group(service, topic)}.dlq"
