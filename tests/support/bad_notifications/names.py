"""N16 to N19: names of fields."""

from tests.support.bad_notifications.case import Cases
from tests.support.bad_notifications.making import Maker, refused, taken

# by name, because Python reads an identifier as its NFKC form
LONG_S = "cau\u017fe"
IN_CYRILLIC = "\u0441\u0430us\u0435"


def cases(make: Maker) -> Cases:
    twice, unknown = "duplicate-key", "unknown-field"
    yield refused("N16", "another value", make.spliced('"cause": "work_injury"'), {"cause": twice})
    yield refused("N16", "the same value", make.spliced('"cause": "illness"'), {"cause": twice})
    yield refused("N16", "inside", make.replaced('"cpr":', '"cpr": "6103901236", "cpr":'), {"citizen.cpr": twice})
    yield refused("N16", "an unknown name", make.spliced('"610190-1234": 1, "610190-1234": 2'), {"?": twice})
    yield refused("N16", "the id", make.spliced(f'"notification_id": "{make.id()}"'), {"notification_id": twice})
    yield refused("N16", "once spelt with an escape", make.spliced('"c\\u0061use": "illness"'), {"cause": twice})
    yield refused(
        "N16",
        "once null",
        make.spliced('"last_absence_day": null, "last_absence_day": "2026-03-03"'),
        {"last_absence_day": twice},
    )
    yield refused(
        "N16", "two names", make.spliced('"cause": "illness", "version": 1'), {"cause": twice, "version": twice}
    )
    yield refused("N17", "CPR", make.replaced('"cpr":', '"CPR":'), {"citizen.cpr": unknown})
    yield refused("N17", "Cpr beside cpr", make.report(citizen__Cpr="6103901236"), {"citizen.cpr": unknown})
    yield refused("N17", "camel case", make.report(lastAbsenceDay="2026-03-03"), {"last_absence_day": unknown})
    yield refused("N17", "hyphens", make.report(**{"last-absence-day": "2026-03-03"}), {"last_absence_day": unknown})
    yield refused("N17", "spaces", make.report(**{"last absence day": "2026-03-03"}), {"last_absence_day": unknown})
    yield refused("N17", "shouted", make.report(CAUSE="illness"), {"cause": unknown})
    yield refused("N17", "in a variant", make.report(reporter__CVR="1"), {"reporter.cvr": unknown})
    yield refused("N17", "long s for s", make.report(**{LONG_S: "illness"}), {"cause": unknown})
    yield taken("N18", "a number", make.report(shoe_size=42))
    yield taken(
        "N18", "an object that holds what would be refused outside", make.report(shoe={"CPR": "x", "__proto__": 1})
    )
    yield taken("N18", "a hundred of them", make.report(**{f"x{nth}": nth for nth in range(100)}))
    yield taken("N18", "an empty name", make.report(**{"": 1}))
    yield taken("N18", "in every part", make.report(citizen__hat=True, reporter__tie={}, pay__bonus=[1]))
    yield taken("N18", "a name in Cyrillic that looks like one of ours", make.report(**{IN_CYRILLIC: "illness"}))
    yield taken("N18", "a field of another kind", make.report(period={"first_day": "2026-03-01"}))
    for name in ("__proto__", "__class__", "$ref", "model_config", "_id", "$schema", "model_fields", "__init__"):
        yield refused("N19", name, make.spliced(f'"{name}": {{}}'), {"?": unknown})
    yield refused("N19", "inside", make.replaced('"cpr":', '"__init__": 1, "cpr":'), {"citizen.?": unknown})
    yield refused(
        "N19", "in the address", make.report(**{"citizen__address__$ref": "#"}), {"citizen.address.?": unknown}
    )
