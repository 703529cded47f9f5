"""N7, N25 to N29, N62: days and instants."""

from tests.contracts.notifications import LEFT_OUT
from tests.support.bad_notifications.case import Cases
from tests.support.bad_notifications.making import Maker, refused, taken

FIRST = "first_absence_day"
NO_DAYS = {"employment__start_day": LEFT_OUT}


def cases(make: Maker) -> Cases:
    for day in (
        "2026-02-30", "2026-02-29", "0000-00-00", "26-01-02", "2026-1-2", "02-01-2026", "2026/01/02", "20260102", "2026-W01-1",
        "2026-01-02T00:00:00Z", " 2026-01-02", "2026-01-02 ", "２０２６-01-02", "2026-13-01", "2026-00-10",
        "2026-04-31", "", "today",
        "-2026-01-02", "12026-01-02", "2. marts 2026", "2026-03",
    ):  # fmt: skip
        yield refused("N25", f"{day!r}", make.report(first_absence_day=day), {FIRST: "bad-date"})
    yield refused("N25", "0000-01-01", make.report(first_absence_day="0000-01-01"), {FIRST: "bad-date"})
    yield taken("N25", "29 February of a leap year", make.report(first_absence_day="2024-02-29"))
    for sent in (
        "2026-03-20T08:15:00", "2026-03-20T24:00:00Z", "2026-03-20T08:15:60Z", "2026-03-20T08:15Z",
        "2026-03-20 08:15:00Z", "2026-03-20",
        "2026-03-20T08:15:00+0100", "2026-03-20T08:15:00+01", "2026-03-20T08:15:00 CET", "0001-01-01T00:00:00+23:59",
        "2026-03-20T08:15:00+25:00", "2026-02-30T08:15:00Z", "2026-03-20T08:15:00.1234567890Z", "20260320T081500Z",
        "2026-03-20t08:15:00z", "",
    ):  # fmt: skip
        yield refused("N26", f"{sent!r}", make.report(sent_at=sent), {"sent_at": "bad-time"})
    for sent in (
        "2026-03-19T08:15:00-12:00", "2026-03-20T08:15:00+14:00", "2026-03-20T08:15:00.123456789Z", "2026-03-20T08:15:00-00:00",
        "2026-03-20T12:59:59Z",
    ):  # fmt: skip
        yield taken("N26", sent, make.report(sent_at=sent))
    yield from _implausible(make)
    yield refused(
        "N28",
        "on the next day",
        make.report(sent_at="2026-03-18T08:15:00+01:00", first_absence_day="2026-03-19"),
        {FIRST: "inconsistent"},
    )
    past_midnight = make.report(sent_at="2026-03-18T22:59:59Z", first_absence_day="2026-03-19")
    yield refused("N28", "a second before Danish midnight", past_midnight, {FIRST: "inconsistent"})
    yield taken(
        "N28", "at Danish midnight", make.report(sent_at="2026-03-18T23:00:00Z", first_absence_day="2026-03-19")
    )
    yield refused("N29", "by a day", make.report(last_absence_day="2026-03-01"), {"last_absence_day": "inconsistent"})
    yield refused(
        "N29", "by a century", make.report(last_absence_day="1926-03-01"), {"last_absence_day": "inconsistent"}
    )
    yield taken("N29", "on the same day", make.report(last_absence_day="2026-03-02"))
    fund = {"first_absence_day": "2026-03-02", "last_absence_day": "2026-03-15"}
    back_early = make.of_kind("absence_reported.unemployed", **fund)
    yield refused("N7", "back within the fund's two weeks", back_early, {"last_absence_day": "with-fund"})
    back_late = make.of_kind("absence_reported.unemployed", **(fund | {"last_absence_day": "2026-03-16"}))
    yield taken("N7", "back on the fifteenth day", back_late)
    for days, first in ((90, "2025-12-20"), (200, "2025-09-01"), (1_000, "2023-06-24")):
        yield taken("N62", f"{days} days late", make.report(first_absence_day=first))
    yield taken(
        "N62", "late, and over long ago", make.report(first_absence_day="2025-12-01", last_absence_day="2025-12-20")
    )
    yield taken("N62", "sent 90 days ago", make.report(sent_at="2025-12-20T08:15:00Z", first_absence_day="2025-12-10"))


def _implausible(make: Maker) -> Cases:
    implausible = "implausible-date"
    for name, day in (("1900", "1900-01-01"), ("year 1", "0001-01-01"), ("three years and a day ago", "2023-03-20")):
        yield refused("N27", name, make.report(first_absence_day=day, **NO_DAYS), {FIRST: implausible})
    for name, day in (("2099", "2099-01-01"), ("year 9999", "9999-12-31"), ("tomorrow", "2026-03-21")):
        yield refused("N27", name, make.report(first_absence_day=day), {FIRST: implausible})
    yield taken("N27", "today", make.report(first_absence_day="2026-03-20"))
    for sent in (
        "2026-03-20T13:05:00Z",
        "2099-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "2023-01-01T00:00:00Z",
        "1970-01-01T00:00:00Z",
    ):
        yield refused("N27", f"sent {sent}", make.report(sent_at=sent), {"sent_at": implausible})
    yield refused(
        "N27", "last day in 2099", make.report(last_absence_day="2099-01-01"), {"last_absence_day": implausible}
    )
    yield refused("N27", "paid until 2099", make.report(pay__until="2099-01-01"), {"pay.until": implausible})
