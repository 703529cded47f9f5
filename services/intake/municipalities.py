"""Denmark's municipalities: the register stands with the contracts, so that reporters check by the same one."""

from contracts.nemrefusion.municipalities import codes, is_municipality

__all__ = ["codes", "is_municipality"]
