"""N36 to N38, N59 to N61: what came before, and what comes too often."""

import itertools
import json

from tests.support.bad_notifications.case import ACCEPTED, DUPLICATE, Case, Cases, Expected, Message, rejected
from tests.support.bad_notifications.making import Maker, again, spelt, taken

CONFLICT = rejected({"notification_id": "conflict"})
KNOWN = rejected({"absence_reference": "repeated-absence"})
COLLIDING = (b"plumless", b"buckeroo")
"""Two words with one CRC-32: words made of them collide too, whatever their order."""


def cases(make: Maker) -> Cases:
    yield from _the_same(make)
    yield from _conflicts(make)
    yield from _business_duplicates(make)
    body = make.document()
    yield _case("N59", "10 000 times the same", (spelt(body), ACCEPTED), (spelt(body), DUPLICATE), copies=9_999)
    yield from _erased(make)
    messages = tuple(
        Message(value=make.report(), expected=ACCEPTED, key=b"".join(words))
        for words in itertools.product(COLLIDING, repeat=6)
    )
    yield Case(row="N61", name="64 keys with one CRC-32", messages=messages)
    yield taken("N61", "70 000 names in one object", make.spliced(",".join(f'"{n:x}":0' for n in range(70_000))))


def _the_same(make: Maker) -> Cases:
    body = make.document()
    yield _case("N36", "the same bytes", (spelt(body), ACCEPTED), (spelt(body), DUPLICATE))
    body = make.document()
    turned = json.dumps(dict(reversed(body.items())), indent=3, ensure_ascii=True).encode()
    yield _case("N36", "another order, white space and escapes", (spelt(body), ACCEPTED), (turned, DUPLICATE))
    body = make.document()
    yield _case(
        "N36", "null for left out", (spelt(body), ACCEPTED), (spelt(again(body, last_absence_day=None)), DUPLICATE)
    )
    body = make.document()
    yield _case("N36", "another unknown field", (spelt(body), ACCEPTED), (spelt(again(body, batch=7)), DUPLICATE))
    body = make.document()
    in_capitals = again(body, notification_id=body["notification_id"].upper())
    yield _case("N36", "its id in capitals", (spelt(body), ACCEPTED), (spelt(in_capitals), DUPLICATE))
    body = make.document()
    in_utc = again(body, sent_at="2026-03-20T08:15:00Z")
    yield _case("N36", "the same instant in another zone", (spelt(body), ACCEPTED), (spelt(in_utc), DUPLICATE))
    body = make.document()
    cpr = body["citizen"]["cpr"]
    hyphen = again(body, citizen__cpr=f"{cpr[:6]}-{cpr[6:]}")
    yield _case("N36", "its CPR number with a hyphen", (spelt(body), ACCEPTED), (spelt(hyphen), DUPLICATE))


def _conflicts(make: Maker) -> Cases:
    for name, change in (
        ("another municipality", {"municipality_code": "0101"}),
        ("another citizen", {"citizen__cpr": make.cpr()}),
        ("another instant", {"sent_at": "2026-03-20T08:15:01Z"}),
        ("another reference", {"absence_reference": make.id()}),
        ("a last day", {"last_absence_day": "2026-03-19"}),
        ("another spelling of a name", {"citizen__name": "Aase Ønskeby Sørensen"}),
        ("one answer less", {"retention_answers__affected_for": None}),
    ):
        body = make.document()
        yield _case("N37", name, (spelt(body), ACCEPTED), (spelt(again(body, **change)), CONFLICT))
    body = make.document()
    yield _case(
        "N37",
        "an id that was rejected is free",
        (spelt(again(body, municipality_code="0999")), rejected({"municipality_code": "not-ours"})),
        (spelt(body), ACCEPTED),
    )


def _business_duplicates(make: Maker) -> Cases:
    body = make.document()
    other = again(body, notification_id=make.id())
    yield _case("N38", "another id, the same reference", (spelt(body), ACCEPTED), (spelt(other), DUPLICATE))
    body = make.document()
    other = again(body, notification_id=make.id(), absence_reference=make.id(), sent_at="2026-03-20T08:30:00Z")
    yield _case("N38", "another id, reference and instant", (spelt(body), ACCEPTED), (spelt(other), DUPLICATE))
    body = make.document()
    other = again(body, notification_id=make.id(), employment__job_title="Formand")
    yield _case("N38", "another id, and told otherwise", (spelt(body), ACCEPTED), (spelt(other), KNOWN))
    body = make.document()
    other = again(body, notification_id=make.id(), absence_reference=make.id(), cause="work_injury")
    yield _case("N38", "another id and reference, and told otherwise", (spelt(body), ACCEPTED), (spelt(other), KNOWN))
    body = make.document()
    other = again(body, notification_id=make.id(), citizen__cpr=make.cpr())
    yield _case("N38", "the same reference for somebody else", (spelt(body), ACCEPTED), (spelt(other), KNOWN))


def _erased(make: Maker) -> Cases:
    body = make.document()
    before = again(body, notification_id=make.id(), absence_reference=make.id(), first_absence_day="2026-03-03")
    after = again(before, notification_id=make.id(), absence_reference=make.id(), sent_at="2026-03-20T12:50:00Z")
    yield Case(
        row="N60",
        name="sent before and after its citizen was erased",
        messages=(
            Message(value=spelt(body), expected=ACCEPTED),
            Message(
                value=spelt(before), expected=rejected({"sent_at": "too-late"}), by_history=True, after_erasure=True
            ),
            Message(value=spelt(body), expected=DUPLICATE, after_erasure=True),
            Message(value=spelt(after), expected=ACCEPTED, after_erasure=True),
        ),
    )


def _case(
    row: str, name: str, first: tuple[bytes, Expected], second: tuple[bytes, Expected], *, copies: int = 1
) -> Case:
    """One message, then another that is judged by it."""
    is_known = second[1] in {CONFLICT, KNOWN}
    return Case(
        row=row,
        name=name,
        messages=(
            Message(value=first[0], expected=first[1]),
            Message(value=second[0], expected=second[1], by_history=is_known, copies=copies),
        ),
    )
