"""What the notifier does, one file per verb."""

from services.notifier.usecases.request_letters import RequestLetters
from services.notifier.usecases.send_letter import QUEUE, SendLetter
from services.notifier.usecases.surface_overdue import SurfaceOverdue
from services.notifier.usecases.take_statuses import TakeStatuses

__all__ = ["QUEUE", "RequestLetters", "SendLetter", "SurfaceOverdue", "TakeStatuses"]
