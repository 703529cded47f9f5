"""What the notifier does, one file per verb."""

from services.notifier.usecases.guard import Guard
from services.notifier.usecases.letter_jobs import QUEUE
from services.notifier.usecases.request_letters import RequestLetters
from services.notifier.usecases.send_again import SendAgain
from services.notifier.usecases.send_letter import Forms, SendLetter
from services.notifier.usecases.surface_overdue import SurfaceOverdue
from services.notifier.usecases.take_statuses import TakeStatuses

__all__ = ["QUEUE", "Forms", "Guard", "RequestLetters", "SendAgain", "SendLetter", "SurfaceOverdue", "TakeStatuses"]
