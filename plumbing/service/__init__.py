"""How a service starts, lives, tells how it is, and ends: the same for all of them."""

from plumbing.service.commands import main
from plumbing.service.runner import DependencyMissing, Runner
from plumbing.service.settings import ServiceSettings, load

__all__ = ["DependencyMissing", "Runner", "ServiceSettings", "load", "main"]
