"""Where breaking happens: servers and house of our own in one run directory, the clock turned, and who lives there."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from threading import Event

from campaign.citizens import Citizens
from campaign.gateway import post
from campaign.journal import Journal
from campaign.lane import Lane
from campaign.link import Links, open_links
from campaign.plan import Life
from campaign.provoke import Provoke, database_of, erase_somebody, fail_messages, rebalance_under_way
from campaign.scanner import Scanner
from campaign.sender import TURNED_TO, WITHOUT_END, Reporters
from laws.sources import Sources, documents_of, store_of
from laws.watching import Watch
from stack import ALL_SERVERS, Stack
from stack.house import House
from stack.members import SERVICES

SESSION_TIMEOUT_MS = 3_000
# Longer than the session (3 s) and the outbox lease (10 s); for the notifier also than a job's lease (2 × 2 + 10 + 5 s).
HOLD_SECONDS = {"citizens": 4.0, "intake": 11.5, "tasks": 11.5, "uploads": 11.5, "notifier": 20.0}

# Passed when a file that came while the scanner was away is looked at.
OF_LATER_CHECKS = (
    "uploads.after_check",
    "uploads.before_check_commit",
    "objects.after_delete",
    "jobs.after_claim",
    "jobs.before_result",
    "jobs.before_result_commit",
    "jobs.after_result",
)

# A letter in doubt is never called for again where the gateway forgets, so it has to surface within a campaign.
SURFACED_AFTER_SECONDS = {True: 3_600, False: 30}
# Broker and database may be away for minutes while a service starts; it is not to give up.
START_SECONDS = 300


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """All that faults are done to, and what is kept of it."""

    run_dir: Path
    seed: int
    stack: Stack
    house: House
    links: Links
    journal: Journal

    @property
    def ledger(self) -> Path:
        """The sender's history."""
        return self.run_dir / "state" / "nemrefusion.jsonl"

    def visits(self, service: str) -> Path:
        """Where the service writes down each fault before it strikes."""
        return self.run_dir / f"visits-{service}.txt"

    def struck(self, service: str) -> list[str]:
        """Faults that struck, as `point:action`, in their order."""
        path = self.visits(service)
        return path.read_text().splitlines() if path.exists() else []

    def sources(self) -> Sources:
        """Where the laws find the evidence."""
        return Sources(
            kafka=self.stack.kafka_bootstrap,
            postgres=self.stack.postgres_admin_dsn,
            gateway=self.house.http_url("post_gateway"),
            sent=self.ledger,
            logs=self.run_dir / "logs",
            ops_urls={name: self.house.ops_url(name) for name in self.house.names},
            documents=documents_of(self.run_dir),
        )

    def reporters(
        self,
        *,
        rate: float,
        odd: float = 0.1,
        attached: float = 0.35,
        strangers: float = 0.15,
        late: float = 0.0,
        portion: int = WITHOUT_END,
    ) -> Reporters:
        return Reporters(
            self.stack.kafka_bootstrap,
            self.ledger,
            seed=self.seed,
            rate=rate,
            odd=odd,
            attached=attached,
            strangers=strangers,
            late=late,
            portion=portion,
            log=self.run_dir / "logs" / "reporters.log",
            journal=self.journal,
        )

    def citizens(self, *, rate: float) -> Citizens:
        return Citizens(
            self.stack.kafka_bootstrap,
            self.house.http_url("uploads"),
            self.run_dir / "state" / "documents.jsonl",
            signing_key=self.house.secrets["PORTAL_SIGNING_KEY"],
            seed=self.seed,
            rate=rate,
            log=self.run_dir / "logs" / "citizens-who-send.log",
            journal=self.journal,
        )

    def watch(self) -> Watch:
        """Who tries to read whatever lies in the object store, with every account."""
        return Watch(store_of(self.run_dir), self.run_dir / "state" / "sightings.jsonl")

    def scanner(self, stopping: Event) -> Scanner:
        return Scanner(self.stack, journal=self.journal, stopping=stopping, dice=Random(f"{self.seed}:scanner"))

    def lane(self, service: str, told: Sequence[Life], stopping: Event, scanner: Scanner) -> Lane:
        return Lane(
            self.house,
            service,
            told,
            journal=self.journal,
            visits=self.visits(service),
            stopping=stopping,
            provoke=self._provokers(service, scanner),
            hold_seconds=HOLD_SECONDS[service],
            has_replicas=service != "citizens",  # its callers know one address
            dice=Random(f"{self.seed}:{service}:lane"),
        )

    def _provokers(self, service: str, scanner: Scanner) -> Mapping[str, Provoke]:
        if service == "citizens":
            secrets = self.house.secrets
            tokens = secrets.vault_token("intake"), secrets.vault_token("ops")
            return {"citizens.before_destroy_commit": erase_somebody(self.house, *tokens, self.journal)}
        rebalance = rebalance_under_way(self.house, service, database_of(self.stack, service), self.journal)
        if service == "notifier":
            return {"bus.revoked": rebalance, "notifier.fallback_planned": fail_messages(self.house, self.journal)}
        if service == "uploads":
            return {"bus.revoked": rebalance, **dict.fromkeys(OF_LATER_CHECKS, scanner.put_off)}
        return {"bus.revoked": rebalance}


@contextlib.contextmanager
def open_site(
    run_dir: Path,
    *,
    seed: int,
    journal: Journal,
    gateway_dedupes: bool = True,
    surfaced_after_seconds: int | None = None,
    drains: bool = True,
) -> Iterator[Site]:
    """From nothing to a house in which all are ready; nothing is left running.

    `surfaced_after_seconds`: how long a letter waits for its status, an hour usually. `drains`: processes end as in a deployment.
    """
    surfaced = surfaced_after_seconds or SURFACED_AFTER_SECONDS[gateway_dedupes]
    with open_links(lambda what: journal.note(what, "link")) as links:
        stack = Stack.start(run_dir, servers=ALL_SERVERS, second_listener=links.listener)
        try:
            house = House(
                stack,
                through=links.lead_to(stack),
                session_timeout_ms=SESSION_TIMEOUT_MS,
                gateway_dedupes=gateway_dedupes,
                environment=_environment(surfaced),
            ).start()
            try:
                house.remember()
                post(f"{house.http_url('clock')}/turn", {"to": TURNED_TO})
                yield Site(run_dir=run_dir, seed=seed, stack=stack, house=house, links=links, journal=journal)
            finally:
                house.stop(timeout=40 if drains else 0)
        finally:
            stack.stop()


def _environment(surfaced_after_seconds: int) -> Mapping[str, Mapping[str, str]]:
    patient = {"START_SECONDS": str(START_SECONDS)}
    return {
        **dict.fromkeys(SERVICES, patient),
        "intake": {**patient, "SWEEP_SECONDS": "1"},
        # What never came in whole is forgotten, and what never was looked at comes again, within a campaign.
        "uploads": {
            **patient,
            "CLAMD_SECONDS": "8",
            "IDLE_SECONDS": "6",
            "VERDICT_SECONDS": "5",
            "UPLOAD_SECONDS": "20",
            "STRAY_SECONDS": "30",
            "SWEEP_SECONDS": "1",
            "SCAN_AGAIN_SECONDS": "2",
        },
        "eraser": patient,
        "notifier": {
            **patient,
            "GATEWAY_SECONDS": "2",
            "RETRY_CEILING_SECONDS": "2",
            "STATUS_OVERDUE_SECONDS": str(surfaced_after_seconds),
            # The print house of a campaign posts at once: what it does not tell of by then it never will.
            "PAPER_OVERDUE_SECONDS": str(surfaced_after_seconds),
        },
    }
