"""The vault's HTTP face."""

from services.citizens.api.routes import Verbs, make_app

__all__ = ["Verbs", "make_app"]
