"""N30 to N35, N42 to N44: who it is about, who reports, where and in which version."""

from tests.contracts.notifications import LEFT_OUT
from tests.support.bad_notifications.case import ACCEPTED, Case, Cases, Message
from tests.support.bad_notifications.making import Maker, again, refused, spelt, taken

CPR = "citizen.cpr"
CVR = "reporter.cvr"


def cases(make: Maker) -> Cases:
    yield from _cpr(make)
    yield from _cvr(make)
    yield from _two_employers(make)
    for code in ("0999", "0000", "9999", "0411", "0001", "0100", "0752"):
        yield refused("N42", f"code {code}", make.report(municipality_code=code), {"municipality_code": "not-ours"})
    for code in ("0101", "0860", "0825"):
        yield taken("N42", f"code {code}", make.report(municipality_code=code))
    wrong = {"version": "unsupported-version"}
    for name, version in (
        ("99", 99),
        ("0", 0),
        ("-1", -1),
        ("2", 2),
        ("1 as text", "1"),
        ("v1", "v1"),
        ("1.0", 1.0),
        ("true", True),
        ("a list", [1]),
    ):
        yield refused("N43", name, make.report(version=version), wrong)
    yield refused("N43", "99, and nothing that we know", b'{"version": 99, "art": "fravaer"}', wrong)
    yield refused("N44", "left out", make.report(version=LEFT_OUT), wrong)
    yield refused("N44", "null", make.report(version=None), wrong)


def _cpr(make: Maker) -> Cases:
    for name, cpr in (
        ("nine digits", "610390123"), ("eleven digits", "61039012360"), ("letters", "61039O1236"),
        ("Arabic digits", "٦١٠٣٩٠١٢٣٦"),
        ("full-width digits", "６１０３９０１２３６"), ("space", "610390 1236"), ("hyphen elsewhere", "6103-901236"),
        ("two hyphens", "610390--1236"),
        ("en dash", "610390–1236"), ("spaces around", " 6103901236 "), ("empty", ""), ("superscript", "610390123²"),
        ("masked", "610390XXXX"),
        ("a line break behind", "6103901236\n"), ("with century", "190361901236"), ("a word", "ukendt"),
    ):  # fmt: skip
        yield refused("N30", name, make.report(citizen__cpr=cpr), {CPR: "bad-cpr"})
    number = make.cpr()
    yield taken("N30", "hyphen", make.report(citizen__cpr=f"{number[:6]}-{number[6:]}"))
    for cpr in (
        "3002900123",
        "0013900123",
        "0000000000",
        "9901900123",
        "9202900123",
        "3202900123",
        "6000900123",
        "6100900123",
        "8902991234",
    ):
        yield refused("N31", f"no such day: {cpr[:4]}", make.report(citizen__cpr=cpr), {CPR: "bad-cpr"})
    yield taken("N31", "day + 60", make.report())
    yield taken("N31", "day 31 + 60", make.report(citizen__cpr="9112991234"))
    yield taken("N31", "29 February + 60", make.report(citizen__cpr="8902961234"))
    for last in "789":
        yield taken("N32", f"modulus 11 fails, {last}", make.report(citizen__cpr=f"610390123{last}"))
    # of the living and the dead the number alone proves no mistake, and a register of the dead is not ours to ask
    for name, cpr in (
        ("a child", "6103194236"),
        ("111 years old", "6103153236"),
        ("born in 1890", "6103905236"),
        ("born on the day of sending", "8003264236"),
    ):
        yield taken("N33", name, make.report(citizen__cpr=cpr))
    for name, cpr in (("on the next day", "8103264236"), ("in 2030", "6103304236"), ("in 2057", "9112575236")):
        yield refused("N33", f"born {name}", make.report(citizen__cpr=cpr), {CPR: "implausible-date"})
    past_midnight = make.report(sent_at="2026-03-18T23:00:00Z", citizen__cpr="7903264236")
    yield taken("N33", "born on the day of sending, as Denmark counts it", past_midnight)
    for example in ("amended", "refund_requested", "fast_track_requested", "recovered", "withdrawn"):
        unborn = make.of_kind(f"{example}.full", citizen__cpr="6103304236")
        yield refused("N33", f"{example} of somebody born in 2030", unborn, {CPR: "implausible-date"})


def _cvr(make: Maker) -> Cases:
    for name, cvr in (
        ("wrong check digit", "99990018"), ("seven digits", "9999001"), ("nine digits", "999900170"), ("foreign", "DE811569869"),
        ("with prefix", "DK99990017"), ("leading 0", "09990017"), ("Arabic digits", "٩٩٩٩٠٠١٧"), ("empty", ""),
        ("spaces", "99 99 00 07"),
        ("a production unit", "9000000017"), ("a Norwegian number", "NO 923609016"), ("eight zeros", "00000000"),
    ):  # fmt: skip
        yield refused("N34", name, make.report(reporter__cvr=cvr), {CVR: "bad-cvr"})


def _two_employers(make: Maker) -> Cases:
    first = make.document()
    other_unit = again(
        first, notification_id=make.id(), absence_reference=make.id(), reporter__production_unit="9000000018"
    )
    other_company = again(first, notification_id=make.id(), absence_reference=make.id(), reporter__cvr="99990015")
    other_job = again(
        first, notification_id=make.id(), absence_reference=make.id(), employment__employment_number="1043"
    )
    yield Case(
        row="N35",
        name="one citizen, one day: four employments, four absences",
        messages=tuple(
            Message(value=spelt(each), expected=ACCEPTED) for each in (first, other_unit, other_company, other_job)
        ),
    )
