"""What each account may do, one JSON file per account: the object store's part of the least-privilege matrix.

Each says only what is allowed, and denies `admin:*`: without that, MinIO lets every account make itself more keys and change its
own secret. MinIO (2026-02) cannot be told that a key may only be new: an overwrite makes a version, and the earlier one stays.
"""

import json
import re
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_BUCKET = re.compile(r"mitsyg-(?:inbound|clean)")


def policy(account: str, *, suffix: str = "") -> dict[str, Any]:
    """The policy of an account, for buckets whose names end in `suffix`."""
    text = (_HERE / f"{account}.json").read_text(encoding="utf-8")
    told: dict[str, Any] = json.loads(_BUCKET.sub(rf"\g<0>{suffix}", text))
    return told
