"""How a letter looks and travels: its words, its PDF, its MeMo message. Nothing here decides whether or when it is sent."""

from services.notifier.letters.content import Municipality, Words, dated, municipality, words
from services.notifier.letters.memo import Classification, MemoForm, kombi_request
from services.notifier.letters.paper import NotAddressed, PaperForm, paper_request
from services.notifier.letters.renderer import NotRendered, Renderer
from services.notifier.letters.request import GatewayRequest

__all__ = [
    "Classification",
    "GatewayRequest",
    "MemoForm",
    "Municipality",
    "NotAddressed",
    "NotRendered",
    "PaperForm",
    "Renderer",
    "Words",
    "dated",
    "kombi_request",
    "municipality",
    "paper_request",
    "words",
]
