"""How a letter looks and travels: its words, its PDF, its MeMo message. Nothing here decides whether or when it is sent."""

from services.notifier.letters.content import Address, Municipality, Words, municipality, words
from services.notifier.letters.memo import Classification, MemoForm, kombi_request
from services.notifier.letters.paper import NotAddressed, PaperForm, PostalAddress, dispatch_id, paper_request
from services.notifier.letters.renderer import NotRendered, Renderer

__all__ = [
    "Address",
    "Classification",
    "MemoForm",
    "Municipality",
    "NotAddressed",
    "NotRendered",
    "PaperForm",
    "PostalAddress",
    "Renderer",
    "Words",
    "dispatch_id",
    "kombi_request",
    "municipality",
    "paper_request",
    "words",
]
