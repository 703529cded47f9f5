"""The raids: short runs of the whole house under traffic, each with just the faults that make one kind of bug show."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Final

from campaign.gateway import Wishes
from campaign.plan import Action, Life, Strike


@dataclass(frozen=True, kw_only=True, slots=True)
class Raid:
    """`lives` by service; `gateway`: its switches meanwhile; `gateway_dedupes`: whether it recognises repeats; `surfaced_after`:
    how many seconds a letter waits for its status, unless as long as usual. Of the notifications `odd` is the share of those that
    look odd, `attached` of all but first reports, `late` of those sent days before they are received."""

    lives: Mapping[str, tuple[Life, ...]] = field(default_factory=dict)
    gateway: Wishes = ()
    gateway_dedupes: bool = True
    surfaced_after: int | None = None
    notifications: int = 80
    odd: float = 0.1
    attached: float = 0.35
    late: float = 0.0
    documents: int = 0
    """So many submissions of documents, by citizens."""
    drains_without_vault: bool = False
    restores: bool = False

    def goes_with(self, other: "Raid") -> bool:
        """Whether both can be had in one: a gateway behaves in one way at a time."""
        return USUAL in {self.post, other.post} or self.post == other.post

    @property
    def post(self) -> Hashable:
        """How the gateway behaves, and how patient one is with it."""
        wishes = tuple(tuple(sorted(wish.items())) for wish in self.gateway)
        return wishes, self.gateway_dedupes, self.surfaced_after

    def with_all_of(self, other: "Raid") -> "Raid":
        """Both in one; they have to go with each other."""
        services = self.lives.keys() | other.lives.keys()
        return Raid(
            lives={name: (*self.lives.get(name, ()), *other.lives.get(name, ())) for name in sorted(services)},
            gateway=self.gateway or other.gateway,
            gateway_dedupes=self.gateway_dedupes and other.gateway_dedupes,
            surfaced_after=self.surfaced_after or other.surfaced_after,
            notifications=max(self.notifications, other.notifications),
            odd=max(self.odd, other.odd),
            attached=max(self.attached, other.attached),
            late=max(self.late, other.late),
            documents=max(self.documents, other.documents),
            drains_without_vault=self.drains_without_vault or other.drains_without_vault,
            restores=self.restores or other.restores,
        )


USUAL: Final = Raid().post


def _life(point: str, action: Action, nth: int = 1) -> tuple[Life, ...]:
    return (Life(wished=(Strike(point=point, action=action, nth=nth),)),)


CONTROL: Final = "control: nothing planted"
RAIDS: Final[Mapping[str, Raid]] = {
    "killed before the work": Raid(
        lives={
            "intake": _life("intake.before_transaction", Action.KILL, 2),
            "tasks": _life("stage.before_transaction", Action.KILL, 2),
        }
    ),
    "raised after the fetch": Raid(
        lives={
            "intake": _life("bus.after_fetch", Action.RAISE, 2),
            "tasks": _life("bus.after_fetch", Action.RAISE, 2),
        }
    ),
    # What was produced is produced once more, at another place: only its id tells that it is the same.
    "killed after producing": Raid(
        lives={"intake": _life("relay.after_ack", Action.KILL, 2), "tasks": _life("relay.after_ack", Action.KILL, 2)}
    ),
    "raised before the commit": Raid(
        lives={
            "intake": _life("intake.before_commit", Action.RAISE, 2),
            "tasks": _life("stage.before_commit", Action.RAISE, 2),
        }
    ),
    "killed before producing": Raid(
        lives={"intake": _life("relay.after_read", Action.KILL, 2), "tasks": _life("relay.after_read", Action.KILL, 2)}
    ),
    "restored from a backup": Raid(restores=True),
    "the gateway accepts and says 500": Raid(
        gateway=({"mode": "accept_then_500", "share": 0.5}, {"mode": "late_status", "seconds": 5.0})
    ),
    "the gateway forgets, accepts and says 500": Raid(
        gateway=({"mode": "accept_then_500", "share": 0.5}, {"mode": "late_status", "seconds": 5.0}),
        gateway_dedupes=False,
    ),
    # Of the first calls nobody hears how they were answered; when they are made again, half of them are refused, in a way that
    # paper follows. A proof that came before would spare them that.
    "raised after the call, and refused when called again": Raid(
        lives={
            "notifier": (
                Life(
                    wished=(
                        *(Strike(point="notifier.after_call", action=Action.RAISE, nth=nth) for nth in range(1, 61)),
                        Strike(point="notifier.before_call", action=Action.RAISE, nth=110),
                    )
                ),
            )
        },
        gateway=(
            {"mode": "refuse", "error_code": "recipient.exempt", "channel": "Digital Post", "share": 0.5},
            {"mode": "late_status", "seconds": 15.0},
        ),
        surfaced_after=8,
        notifications=160,
    ),
    # Those that come at once overtake those that come long after their letters were surfaced.
    "some statuses come late": Raid(gateway=({"mode": "late_status", "seconds": 8.0, "share": 0.5},), surfaced_after=2),
    "some statuses never come": Raid(gateway=({"mode": "no_status", "share": 0.3},), surfaced_after=2),
    "odd headers": Raid(odd=0.6),
    "drained while the vault is away": Raid(drains_without_vault=True),
    "documents, good and bad": Raid(documents=40),
    "much about each absence, early and late": Raid(notifications=240, attached=0.7, late=0.3),
}


def controls() -> Mapping[str, tuple[str, ...]]:
    """All raids, in as few runs as they can be had in: the names of those in each."""
    found: dict[str, list[str]] = {}
    for name in sorted(RAIDS, key=lambda one: not RAIDS[one].gateway):
        into = next((first for first in found if RAIDS[first].goes_with(RAIDS[name])), name)
        found.setdefault(into, []).append(name)
    return {f"{CONTROL}, {first}": tuple(names) for first, names in found.items()}


def raid_of(name: str) -> Raid:
    """A raid by its name, or all of a control."""
    whole = Raid()
    for one in controls().get(name, (name,)):
        whole = whole.with_all_of(RAIDS[one])
    return whole
