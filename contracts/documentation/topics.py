"""`docs/topics/`: one page per topic, generated from topics, schemas and examples."""

from typing import Any, Final

from contracts.catalogue import MESSAGES, Message
from contracts.compatibility import OPEN_ENUM
from contracts.documentation.forms import choices_of, form_of, limits
from contracts.documentation.headers import headers_schema
from contracts.documentation.markdown import folded, paragraph, table
from contracts.topics import EVENT_TOPICS, TOPICS, Topic, consumer_group, dead_letter_topic

DEAD_LETTERS_PAGE: Final = "dead-letters.md"


def pages() -> dict[str, str]:
    """Every page by its name."""
    return {
        "README.md": _index(),
        DEAD_LETTERS_PAGE: _dead_letters(),
        **{f"{topic.name}.md": _page(topic) for topic in EVENT_TOPICS},
    }


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
        f"{table(('topic', 'written by', 'for', 'read by'), rows)}\n"
        f"## Dead letters\n\nSee [dead letters]({DEAD_LETTERS_PAGE}).\n\n{table(('topic', 'written by'), dead)}"
    )


def _dead_letters() -> str:
    (message,) = (each for each in MESSAGES if each.owner == "dead_letter")
    topic = next(each for each in TOPICS if each not in EVENT_TOPICS)
    return (
        "# Dead letters\n\n"
        "What a consumer group could never work goes to `<group>.dlq`, sealed under a key of its month, which is destroyed\n"
        "once its letters have run out.\n\n"
        f"{facts(topic)}\n{_message(message)}"
    )


def _page(topic: Topic) -> str:
    text = f"# `{topic.name}`\n\n{topic.description}\n\n{facts(topic)}\n"
    if topic.audience == "reporters":
        text += "What reporters need to know stands in [their own pages](../reporters/README.md).\n\n"
    return text + "\n".join(_message(message) for message in MESSAGES if message.topic == topic.name)


def facts(topic: Topic) -> str:
    """What holds for a topic, as a table."""
    dead = ", ".join(f"`{dead_letter_topic(consumer_group(each, topic.name))}`" for each in topic.consumers)
    rows = [
        ("written by", topic.owner),
        ("read by", ", ".join(topic.consumers) or "none of ours"),
        ("key", topic.key),
        ("partitions", str(topic.partitions)),
        ("kept for", f"{topic.retention.days} days"),
        ("largest record", f"{topic.max_message_bytes:,} bytes"),
        ("dead letters", dead or "none"),
    ]
    return table(("", ""), rows)


def _message(message: Message) -> str:
    schema = message.schema()
    link = f"JSON Schema: [`{message.name}`](../../contracts/{message.owner}/schemas/{message.name}.json)\n\n"
    if message.event is None:  # its fields stand in the reporters' pages
        return link
    head = f"## `{message.event.TYPE}`\n\n{paragraph(schema.get('description'))}{_headers(message)}{link}"
    return head + _objects(schema) + _examples(message)


def _headers(message: Message) -> str:
    rows = [
        (f"`{name}`", f"`{told['const']}`" if "const" in told else f"{told.get('format', '')} {told['description']}")
        for name, told in headers_schema(message)["properties"].items()
    ]
    return table(("header", "value"), rows) + "\n"


def _objects(schema: dict[str, Any]) -> str:
    parts: dict[str, Any] = schema.get("$defs", {})
    return _fields(schema) + "".join(_object(name, each) for name, each in parts.items())


def _object(name: str, schema: dict[str, Any]) -> str:
    heading = f"#### {name}\n\n{paragraph(schema.get('description'))}"
    if "enum" in schema:
        return heading + ", ".join(f"`{each}`" for each in schema["enum"]) + "\n\n"
    return heading + _fields(schema)


def _fields(schema: dict[str, Any]) -> str:
    required = schema.get("required", ())
    rows = [
        (f"`{name}`", _type(field), "yes" if name in required else "", field.get("description", ""))
        for name, field in schema["properties"].items()
    ]
    return table(("field", "type", "mandatory", ""), rows) + "\n"


def _type(field: dict[str, Any]) -> str:
    if "$ref" in field:
        name = field["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})" + (", open list" if field.get(OPEN_ENUM) else "")
    choices = choices_of(field)
    if choices != [field]:
        return " or ".join(_type(each) for each in choices)
    if field.get("type") == "array":
        return f"list of {_type(field['items'])}{limits(field, 'minItems', 'maxItems')}"
    return form_of(field)


def _examples(message: Message) -> str:
    return "\n".join(
        folded(f"Example: {message.example_name(path) or 'example'}", path.read_text(encoding="utf-8"))
        for path in message.examples
    )
