"""The HTTP face of `uploads`."""

from services.uploads.api.routes import Verbs, make_app

__all__ = ["Verbs", "make_app"]
