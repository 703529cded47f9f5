"""A colour profile (ICC) as scanners and phones put it into pictures."""

from functools import cache

from PIL import ImageCms


@cache
def profile() -> bytes:
    """sRGB; the moment at which it was made is taken out, so that it is always the same."""
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return made[:24] + bytes(12) + made[36:]


def with_text(text: bytes) -> bytes:
    """A profile whose last bytes are `text`, in a tag of its own kind that nobody reads."""
    good = profile()
    return (len(good) + len(text)).to_bytes(4, "big") + good[4:] + text


def broken() -> dict[str, bytes]:
    """Profiles that crashed libraries, by what is the matter."""
    good = profile()
    return {
        "that is cut": good[:200],
        "that says it is 4 GB": b"\xff\xff\xff\xff" + good[4:],
        "with 4 billion tags": good[:128] + b"\xff\xff\xff\xff" + good[132:],
        "whose tags lie outside": good[:136] + b"\xff\xff\xff\xf0\xff\xff\xff\xff" + good[144:],
        "of nothing but zeros": bytes(400),
    }
