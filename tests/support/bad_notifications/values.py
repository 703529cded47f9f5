"""N22 to N24 and what else a field may not hold by its form: numbers, types, codes, blanks, contradictions (N3)."""

from tests.contracts.notifications import LEFT_OUT
from tests.support.bad_notifications.case import Cases
from tests.support.bad_notifications.making import Maker, refused, taken

HOURS = "employment.weekly_hours"
LINES = "citizen.address.lines"
PROTECTION = "citizen.has_address_protection"


def cases(make: Maker) -> Cases:
    yield from _numbers(make)
    yield from _types(make)
    yield from _epochs(make)
    yield from _codes(make)
    yield from _left_out(make)
    yield from _forms(make)
    yield from _contradictions(make)


def _numbers(make: Maker) -> Cases:
    for number in (
        "1e400", "-1e400", "NaN", "Infinity", "-Infinity", "-0", "-0.0",
        "-0e0", str(2**63), str(-(2**63) - 1), "1" * 40, "9" * 5_000,
    ):  # fmt: skip
        yield refused(
            "N22",
            f"{number[:20]} ({len(number)} characters)",
            make.replaced('"weekly_hours": 37', f'"weekly_hours": {number}'),
            {HOURS: "bad-number"},
        )
    yield refused("N22", "NaN in an unknown field", make.spliced('"x": NaN'), {"?": "bad-number"})
    yield refused("N22", "1e400 deep in an unknown field", make.spliced('"x": {"y": [1e400]}'), {"?": "bad-number"})
    for number in ("0x25", "037", "+37", ".5", "37.", "1_000", "37,5", "\u0663"):
        yield refused(
            "N22",
            f"{number}, which is no JSON",
            make.replaced('"weekly_hours": 37', f'"weekly_hours": {number}'),
            "not-json",
        )
    for hours in (169, -1, 1e300, 2**62):
        yield refused(
            "N22", f"{hours} hours a week", make.report(employment__weekly_hours=hours), {HOURS: "out-of-range"}
        )
    for number in ("37", "37.0", "3.7e1", "0", "168", "1e-400"):
        yield taken("N22", f"{number} hours a week", make.replaced('"weekly_hours": 37', f'"weekly_hours": {number}'))


def _types(make: Maker) -> Cases:
    wrong = "wrong-type"
    no_booleans: tuple[object, ...] = ("true", "yes", 1, 0, [], {})
    for value in no_booleans:
        yield refused(
            "N23", f"{value!r} for a boolean", make.report(citizen__has_address_protection=value), {PROTECTION: wrong}
        )
    for field, value in (
        ("employment__weekly_hours", "37"), ("employment__weekly_hours", True), ("employment__is_flexjob", 0),
        ("citizen__cpr", 6103901236),
        ("reporter__cvr", 99990017), ("reporter__production_unit", 9000000017), ("citizen__name", 1), ("citizen__name", ["Åse"]),
        ("cause", 1), ("cause", ["illness"]), ("citizen", "6103901236"), ("citizen", []), ("pay", []), ("pay", "wage"),
        ("reporter", "employer"), ("employment", 7), ("citizen__address", "Vej 1, 8000 Aarhus"),
        ("citizen__address__lines", "Vej 1"),
        ("citizen__address__lines", {"0": "Vej 1"}), ("citizen__address__postal_code", 8000), ("notification_id", 1),
        ("absence_reference", {}), ("citizen_kind", True), ("municipality_code", 751), ("retention_answers", "nej"),
        ("retention_answers__work_adapted", "ja"), ("retention_answers__affected_for", 3), ("first_absence_day", {}),
        ("sent_at", []),
    ):  # fmt: skip
        yield refused("N23", f"{value!r} in {field}", make.report(**{field: value}), {field.replace("__", "."): wrong})
    yield refused("N23", "null in a list", make.report(citizen__address__lines=["a", None]), {f"{LINES}[1]": wrong})
    yield refused("N23", "variant as number", make.report(reporter__kind=1), {"reporter.kind": wrong})
    yield refused("N23", "kind as number", make.report(kind=1), {"kind": wrong})
    yield taken("N23", "null for what may be left out", make.report(last_absence_day=None, workplace_contact=None))


def _epochs(make: Maker) -> Cases:
    yield refused("N24", "seconds", make.report(first_absence_day=1_767_225_600), {"first_absence_day": "wrong-type"})
    yield refused(
        "N24", "milliseconds", make.report(first_absence_day=1_767_225_600_000), {"first_absence_day": "wrong-type"}
    )
    yield refused(
        "N24", "days as a decimal number", make.report(first_absence_day=46_083.0), {"first_absence_day": "wrong-type"}
    )
    yield refused(
        "N24", "seconds as text", make.report(first_absence_day="1767225600"), {"first_absence_day": "bad-date"}
    )
    yield refused("N24", "of sending", make.report(sent_at=1_767_225_600), {"sent_at": "wrong-type"})
    yield refused("N24", "of sending, as text", make.report(sent_at="1767225600"), {"sent_at": "bad-time"})
    yield refused(
        "N24",
        "in .NET's old form",
        make.report(first_absence_day="/Date(1767225600000)/"),
        {"first_absence_day": "bad-date"},
    )


def _codes(make: Maker) -> Cases:
    unknown = "unknown-code"
    for field, value in (
        ("cause", "influenza"), ("cause", "ILLNESS"), ("cause", ""), ("pay__kind", "wage "), ("pay__kind", "løn"),
        ("kind", "reported"),
        ("kind", "absence_reported\n"), ("kind", ""), ("citizen_kind", "lønmodtager"), ("reporter__kind", "union"),
        ("reporter__kind", ""),
    ):  # fmt: skip
        yield refused("N3", f"{value!r} in {field}", make.report(**{field: value}), {field.replace("__", "."): unknown})


def _left_out(make: Maker) -> Cases:
    for field in (
        "kind", "reporter", "reporter__kind", "reporter__cvr", "reporter__name", "reporter__production_unit",
        "citizen", "citizen__cpr",
        "citizen__name", "citizen__address", "citizen__address__lines", "citizen__address__city", "citizen__address__postal_code",
        "citizen__has_address_protection", "citizen_kind", "municipality_code", "first_absence_day", "cause", "pay", "pay__kind",
        "employment", "sent_at", "notification_id", "absence_reference", "workplace_contact__name",
    ):  # fmt: skip
        yield refused("N3", f"no {field}", make.report(**{field: LEFT_OUT}), {field.replace("__", "."): "missing"})
    yield refused(
        "N3", "null for what is mandatory", make.report(citizen__address=None), {"citizen.address": "missing"}
    )
    everything = {"citizen": "missing", "cause": "missing", "municipality_code": "missing"}
    yield refused("N3", "three fields", make.report(citizen=None, cause=None, municipality_code=None), everything)


def _forms(make: Maker) -> Cases:
    blank, form = "blank", "bad-format"
    yield refused("N3", "blank name", make.report(citizen__name=" \t "), {"citizen.name": blank})
    yield refused("N3", "empty name", make.report(citizen__name=""), {"citizen.name": blank})
    yield refused(
        "N3",
        "blank answer",
        make.report(retention_answers__affected_for="\n \n"),
        {"retention_answers.affected_for": blank},
    )
    yield refused("N3", "no address lines", make.report(citizen__address__lines=[]), {LINES: "missing"})
    yield refused("N3", "six address lines", make.report(citizen__address__lines=["a"] * 6), {LINES: "too-many"})
    yield refused("N3", "blank address line", make.report(citizen__address__lines=["a", ""]), {f"{LINES}[1]": blank})
    for field, value in (
        ("municipality_code", "751"), ("municipality_code", "Aarhus"), ("municipality_code", ""), ("municipality_code", "0751 "),
        ("citizen__address__postal_code", "800"), ("citizen__address__postal_code", "DK-8000"),
        ("citizen__address__postal_code", ""),
        ("citizen__address__country", "Danmark"), ("citizen__address__country", "dk"), ("reporter__production_unit", "12"),
        ("reporter__production_unit", "900000001x"), ("workplace_contact__email", "jb at example.dk"),
        ("workplace_contact__email", "@"),
        ("workplace_contact__phone", "ring"), ("workplace_contact__phone", "+"), ("workplace_contact__phone", "12345678;rm"),
    ):  # fmt: skip
        yield refused("N3", f"{value!r} in {field}", make.report(**{field: value}), {field.replace("__", "."): form})
    for field, value in (
        ("notification_id", "7d1f2a903c4b4e5d8f60000000000001"), ("notification_id", "42"), ("notification_id", ""),
        ("absence_reference", "{7d1f2a90-3c4b-4e5d-8f60-000000000001}"),
        ("absence_reference", "urn:uuid:7d1f2a90-3c4b-4e5d-8f60-000000000001"),
    ):  # fmt: skip
        yield refused("N3", f"{value!r} in {field}", make.report(**{field: value}), {field: "bad-id"})
    upper = make.document()
    yield taken("N3", "an id in capitals", make.report(notification_id=upper["notification_id"].upper()))
    yield taken(
        "N3", "an address abroad", make.report(citizen__address__country="SE", citizen__address__postal_code="211 20")
    )


def _contradictions(make: Maker) -> Cases:
    against = "inconsistent"
    fund = {"kind": "unemployment_fund", "fund_number": "98", "name": "Den opdigtede A-kasse"}
    yield refused("N3", "an employee reported by a fund", make.report(reporter=fund), {"citizen_kind": against})
    unemployed = make.of_kind("absence_reported.unemployed", last_absence_day=None, pay={"kind": "wage"})
    yield refused("N3", "pay of an unemployed person", unemployed, {"pay": against})
    own = make.of_kind("absence_reported.self_employed", employment={}, last_absence_day=None)
    yield refused("N3", "employment of a self-employed person", own, {"employment": against})
    ends = make.report(pay__until="2026-03-01")
    yield refused("N3", "pay that ended before the absence", ends, {"pay.until": against})
    begins = make.report(employment__start_day="2026-03-03")
    yield refused("N3", "employed after the absence began", begins, {"employment.start_day": against})
