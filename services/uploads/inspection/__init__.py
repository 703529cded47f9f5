"""Whether a file is what it says, whole, and nothing besides: looked at in a process that can do no harm.

`Inspector` hands a file to a child of its own, which ends with the look. What the child looks for stands in `pdf`, `png`, `jpeg`
and `gif`; it shows nothing and changes nothing, but for a picture's position, which is left out of what is kept (`position`).
"""

from services.uploads.inspection.inspector import Inspector, Look

__all__ = ["Inspector", "Look"]
