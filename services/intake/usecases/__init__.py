"""What intake does: `take_in` with its reading of records, the outcomes there are, and what is announced about them."""

from services.intake.usecases.confirm import Confirmer
from services.intake.usecases.sweep import Sweeper
from services.intake.usecases.take_in import TakeIn

__all__ = ["Confirmer", "Sweeper", "TakeIn"]
