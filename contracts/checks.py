"""What stands in the way of publishing the contracts as they are: drift, missing examples, incompatible changes."""

import json
from collections.abc import Iterator

from pydantic import ValidationError

from contracts.catalogue import MESSAGES, ROOT, Message, as_file
from contracts.compatibility import incompatibilities
from contracts.documentation import pages


def problems() -> list[str]:
    """Every problem, in words; none if the contracts may be published."""
    return [*(problem for message in MESSAGES for problem in message_problems(message)), *page_problems()]


def page_problems() -> Iterator[str]:
    """Pages that don't say what the contracts say."""
    for path, text in pages().items():
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            yield f"{path.relative_to(ROOT.parent)}: not up to date; run `python -m contracts docs`"


def message_problems(message: Message) -> Iterator[str]:
    """Drift, incompatible changes and examples of one message."""
    current = message.schema()
    if not message.schema_file.is_file() or message.schema_file.read_text(encoding="utf-8") != as_file(current):
        yield f"{message.name}: the committed schema is not the model's; run `python -m contracts schemas`"
    if message.released_file.is_file():
        released = json.loads(message.released_file.read_text(encoding="utf-8"))
        for change in incompatibilities(released, current, old_readers=message.direction == "event"):
            yield f"{message.name}: incompatible with the release: {change}"
    if not message.examples:
        yield f"{message.name}: has no golden example"
    for example in message.examples:
        try:
            message.reader.validate_json(example.read_bytes())
        except ValidationError:
            yield f"{message.name}: {example.name} is not valid any more"
