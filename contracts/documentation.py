"""`docs/topics/`: one page per topic, generated from topics, schemas and examples, so that it says what they say."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from contracts.catalogue import MESSAGES, ROOT, Message
from contracts.compatibility import OPEN_ENUM
from contracts.events import SCHEMA_PREFIX
from contracts.nemrefusion.v1 import ADVICE
from contracts.topics import EVENT_TOPICS, TOPICS, Topic, consumer_group, dead_letter_topic

DOCS: Final = ROOT.parent / "docs" / "topics"
DEAD_LETTERS_PAGE: Final = "dead-letters.md"
_PROSE: Final = ROOT / "nemrefusion" / "reporters.md"
_GENERATED: Final = "<!-- made by `python -m contracts docs`: change the contracts, not this page -->\n\n"


def pages() -> dict[Path, str]:
    """Every page with its content."""
    made = {"README.md": _index(), DEAD_LETTERS_PAGE: _dead_letters()}
    made |= {f"{topic.name}.md": _page(topic) for topic in EVENT_TOPICS}
    return {DOCS / name: _GENERATED + text for name, text in made.items()}


def _index() -> str:
    rows = [
        (
            f"[`{topic.name}`]({topic.name}.md)",
            topic.owner,
            topic.audience,
            ", ".join(topic.consumers) or "none of ours",
        )
        for topic in EVENT_TOPICS
    ]
    dead = [(f"`{topic.name}`", topic.owner) for topic in TOPICS if topic not in EVENT_TOPICS]
    return (
        "# Topics\n\n"
        "Every topic carries CloudEvents 1.0 in Kafka's binary mode: attributes are headers, the value is JSON. Delivery is at\n"
        "least once; recognise repeats by `ce_id`. Within a major version only additions happen: pass over fields and event\n"
        "types you don't know.\n\n"
        f"{_table(('topic', 'written by', 'for', 'read by'), rows)}\n"
        f"## Dead letters\n\nSee [dead letters]({DEAD_LETTERS_PAGE}).\n\n{_table(('topic', 'written by'), dead)}"
    )


def _dead_letters() -> str:
    (message,) = (each for each in MESSAGES if each.owner == "dead_letter")
    topic = next(each for each in TOPICS if each not in EVENT_TOPICS)
    return (
        "# Dead letters\n\n"
        "What a consumer group could never work goes to `<group>.dlq`, sealed under a key of its month, which is destroyed\n"
        "once its letters have run out.\n\n"
        f"{_facts(topic)}\n{_message(message)}"
    )


def _page(topic: Topic) -> str:
    messages = [message for message in MESSAGES if message.topic == topic.name]
    prose = _PROSE.read_text() + "\n" if any(message.direction == "input" for message in messages) else ""
    return (
        f"# `{topic.name}`\n\n{topic.description}\n\n{_facts(topic)}\n{prose}"
        + "\n".join(_message(message) for message in messages)
        + (_reasons() if "nemrefusion" in topic.name else "")
    )


def _facts(topic: Topic) -> str:
    dead = ", ".join(f"`{dead_letter_topic(consumer_group(each, topic.name))}`" for each in topic.consumers)
    facts = [
        ("written by", topic.owner),
        ("read by", ", ".join(topic.consumers) or "none of ours"),
        ("key", topic.key),
        ("partitions", str(topic.partitions)),
        ("kept for", f"{topic.retention.days} days"),
        ("largest record", f"{topic.max_message_bytes:,} bytes"),
        ("dead letters", dead or "none"),
    ]
    return _table(("", ""), facts)


def _message(message: Message) -> str:
    schema = message.schema()
    head = f"## `{message.event.TYPE}`\n\n" if message.event else ""
    if message.event:
        head += _paragraph(schema.get("description")) + _headers(message)
    head += f"JSON Schema: [`{message.name}`](../../contracts/{message.owner}/schemas/{message.name}.json)\n\n"
    return head + _objects(schema) + _examples(message)


def _headers(message: Message) -> str:
    assert message.event is not None
    source = message.event.SOURCE if hasattr(message.event, "SOURCE") else "/mitsygefravaer/<service>"
    rows = [
        ("`ce_specversion`", "`1.0`"),
        ("`ce_type`", f"`{message.event.TYPE}`"),
        ("`ce_source`", f"`{source}`"),
        ("`ce_id`", "UUID, derived from the cause: a repeat has the same"),
        ("`ce_time`", "when it happened, RFC 3339 in UTC"),
        ("`ce_dataschema`", f"`{SCHEMA_PREFIX}{message.name}`"),
        ("`content-type`", "`application/json`"),
        ("`traceparent`", "W3C trace context, if there is one"),
    ]
    return _table(("header", "value"), rows) + "\n"


def _objects(schema: dict[str, Any]) -> str:
    definitions: dict[str, Any] = schema.get("$defs", {})
    variants = [each["$ref"].rpartition("/")[2] for each in schema.get("oneOf", ())]
    text = "".join(_object(name, definitions[name], level=3) for name in variants) or _fields(schema)
    parts = {name: each for name, each in definitions.items() if name not in variants}
    return text + "".join(_object(name, each, level=4) for name, each in parts.items())


def _object(name: str, schema: dict[str, Any], *, level: int) -> str:
    title = schema.get("properties", {}).get("kind", {}).get("const") if level == 3 else None
    heading = f"{'#' * level} {f'`{title}`' if title else name}\n\n{_paragraph(schema.get('description'))}"
    if "enum" in schema:
        return heading + ", ".join(f"`{each}`" for each in schema["enum"]) + "\n\n"
    return heading + _fields(schema)


def _fields(schema: dict[str, Any]) -> str:
    required = schema.get("required", ())
    rows = [
        (f"`{name}`", _type(field), "yes" if name in required else "", field.get("description", ""))
        for name, field in schema["properties"].items()
    ]
    return _table(("field", "type", "mandatory", ""), rows) + "\n"


def _type(field: dict[str, Any]) -> str:
    if "const" in field:
        return f"`{field['const']}`"
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})" + (", open list" if field.get(OPEN_ENUM) else "")
    choices = [each for each in field.get("anyOf", field.get("oneOf", ())) if each.get("type") != "null"]
    if choices:
        return " or ".join(_type(each) for each in choices)
    if field["type"] == "array":
        return f"list of {_type(field['items'])}{_limits(field, 'minItems', 'maxItems')}"
    form = field.get("format") or (f"`{field['pattern']}`" if "pattern" in field else field["type"])
    return form + _limits(field, "minLength", "maxLength") + _limits(field, "minimum", "maximum")


def _limits(field: dict[str, Any], lower: str, upper: str) -> str:
    if lower not in field and upper not in field:
        return ""
    return f", {field.get(lower, '')}–{field.get(upper, '')}"


def _examples(message: Message) -> str:
    parts = []
    for example in message.examples:
        name = example.stem.removeprefix(message.name).removeprefix(".") or "example"
        parts.append(
            f"<details><summary>Example: {name}</summary>\n\n```json\n{example.read_text()}```\n\n</details>\n"
        )
    return "\n".join(parts)


def _reasons() -> str:
    rows = [(f"`{code.value}`", advice) for code, advice in ADVICE.items()]
    text = "The list grows: treat a code you don't know as a rejection."
    return f"\n## Reasons\n\n{text}\n\n{_table(('code', 'what to do'), rows)}"


def _paragraph(text: str | None) -> str:
    return f"{text}\n\n" if text else ""


def _table(head: tuple[str, ...], rows: list[Any]) -> str:
    def lines() -> Iterator[str]:
        yield f"| {' | '.join(head)} |"
        yield f"|{' --- |' * len(head)}"
        for row in rows:
            yield f"| {' | '.join(_cell(each) for each in row)} |"

    return "\n".join(lines()) + "\n"


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|")
