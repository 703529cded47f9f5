"""The headers of an event as a JSON Schema: CloudEvents 1.0 in Kafka's binary mode."""

from typing import Any, Final

from contracts.catalogue import Message
from contracts.envelope import CONTENT_TYPE, LONGEST_ATTRIBUTE_BYTES, SPEC_VERSION
from contracts.events import schema_id

_OPTIONAL: Final = frozenset({"traceparent"})


def headers_schema(message: Message) -> dict[str, Any]:
    """What each header holds. Others may stand beside them and mean nothing."""
    event = message.event
    assert event is not None
    properties: dict[str, dict[str, Any]] = {
        "ce_specversion": {"const": SPEC_VERSION[1].decode(), "description": "CloudEvents version"},
        "ce_type": {"const": event.TYPE, "description": "which event it is"},
        "ce_source": _source(message),
        "ce_id": {"format": "uuid", "description": "derived from the cause: a repeat has the same"},
        "ce_time": {"format": "date-time", "description": "when it happened, RFC 3339 in UTC"},
        "ce_dataschema": {"const": schema_id(event), "description": "names the JSON Schema of the value"},
        "content-type": {"const": CONTENT_TYPE[1].decode(), "description": "of the value"},
        "traceparent": {"description": "W3C trace context, if there is one"},
    }
    return {
        "type": "object",
        "description": f"Attributes of CloudEvents 1.0 in UTF-8, at most {LONGEST_ATTRIBUTE_BYTES} bytes each.",
        "properties": {name: {"type": "string", **told} for name, told in properties.items()},
        "required": [name for name in properties if name not in _OPTIONAL],
    }


def _source(message: Message) -> dict[str, Any]:
    told = {"description": "the service that says so"}
    if hasattr(message.event, "SOURCE"):
        return {"const": message.event.SOURCE, **told}  # type: ignore[union-attr]  # it has one
    return {"pattern": "^/mitsygefravaer/[a-z_]+$", **told}
