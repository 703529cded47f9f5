"""The account of a campaign, for a person to read."""

from collections.abc import Iterator

from campaign.campaign import Account
from campaign.faults import FAULTS

_WORLD = (
    "broker killed",
    "broker frozen",
    "database killed",
    "database stopped at once",
    "database frozen",
    "connections cut",
    "inbox locked",
    "scanner killed",
    "scanner frozen",
    "scanner reloaded",
    "store killed",
    "store frozen",
    "eraser killed",
    "gateway killed",
    "gateway turned",
)
_LINKS = (
    "commit answer lost",
    "produce answer lost",
    "offset commit request lost",
    "answer torn",
    "link cut",
    "link stalled",
    "link refused",
)


def lines(account: Account) -> Iterator[str]:
    """What was done, what came of it, and whether it is clean."""
    count = account.journal.count
    yield f"seed {account.wish.seed}, {account.journal.seconds:.0f} s"
    yield "traffic   " + ", ".join(f"{number} {what}" for what, number in sorted(account.sent.items()))
    yield (
        "documents "
        + ", ".join(f"{number} {what}" for what, number in sorted(account.asked.items()))
        + (f"; {account.watched} looks with every account")
    )
    yield (
        f"processes {count('kill')} kills, {count('stop')} stopped and woken as zombies, {account.struck.get('raise', 0)} "
        f"raised errors, {count('started')} starts, {count('replica')} second instances, {count('drained')} drained by SIGTERM"
    )
    yield (
        f"groups    {count('rebalance')} rebalances by Kafka's own record, {count('batch held up')} with a batch held up for "
        f"longer than a session, {count('frozen')} members frozen and back, {account.most_members} members at most"
    )
    yield "world     " + ", ".join(f"{count(what)} {what}" for what in _WORLD)
    yield "links     " + ", ".join(f"{count(what)} {what}" for what in _LINKS)
    yield "faults    " + ", ".join(f"{number} {times}" for number, times in account.played.items() if times)
    absent = [f"{number} ({fault.what})" for number, fault in FAULTS.items() if not account.played[number]]
    if absent:
        yield "not met   " + ", ".join(absent)
    met = sum(account.points.values())
    told = ", ".join(f"{service} {number}" for service, number in account.points.items())
    yield f"points    {met} places to break ({told}); {sum(map(len, account.never_struck.values()))} faults never struck"
    for verdict in account.verdicts:
        yield from verdict.lines()
    for failure in account.failures:
        yield f"FAILED    {failure}"
    yield "clean: nothing lost, nothing doubled" if account.is_clean else "NOT CLEAN"
