"""How a letter looks and travels: its words, its PDF, its MeMo message. Nothing here decides whether or when it is sent."""

from services.notifier.letters.content import Municipality, Words, municipality, words
from services.notifier.letters.memo import Classification, MemoForm, kombi_request
from services.notifier.letters.renderer import NotRendered, Renderer

__all__ = [
    "Classification",
    "MemoForm",
    "Municipality",
    "NotRendered",
    "Renderer",
    "Words",
    "kombi_request",
    "municipality",
    "words",
]
