"""What `tasks` does with what it hears, one file per verb."""

from services.tasks.usecases.follow_absences import FollowAbsences
from services.tasks.usecases.start_clocks import StartClocks

__all__ = ["FollowAbsences", "StartClocks"]
