"""What the notifier does, one file per verb."""

from services.notifier.usecases.fix_bytes import FixedBytes
from services.notifier.usecases.guard import Guard
from services.notifier.usecases.letter_jobs import QUEUE
from services.notifier.usecases.request_letters import RequestLetters
from services.notifier.usecases.send_again import SendAgain
from services.notifier.usecases.send_letter import SendLetter
from services.notifier.usecases.surface_overdue import SurfaceOverdue
from services.notifier.usecases.take_statuses import TakeStatuses
from services.notifier.usecases.write_letter import Forms, WriteLetter

__all__ = [
    "QUEUE",
    "FixedBytes",
    "Forms",
    "Guard",
    "RequestLetters",
    "SendAgain",
    "SendLetter",
    "SurfaceOverdue",
    "TakeStatuses",
    "WriteLetter",
]
