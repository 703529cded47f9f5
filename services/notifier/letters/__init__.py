"""How a letter looks and travels: its words, its PDF, its MeMo message. Nothing here decides whether or when it is sent."""

from services.notifier.letters.content import Address, Municipality, Words, municipality, words
from services.notifier.letters.memo import kombi_request
from services.notifier.letters.renderer import NotRendered, Renderer

__all__ = ["Address", "Municipality", "NotRendered", "Renderer", "Words", "kombi_request", "municipality", "words"]
