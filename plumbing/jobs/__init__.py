"""Jobs: work that calls the outside world, kept in a table until its result is written."""

from plumbing.jobs.policy import Policy
from plumbing.jobs.store import SCHEMA, Claim, Job, LeaseLost, ParkedJob, add, hold, parked, release, withdraw
from plumbing.jobs.verdicts import Again, Done, Joint, Parked, Verdict
from plumbing.jobs.worker import Worker, watch

__all__ = [
    "SCHEMA",
    "Again",
    "Claim",
    "Done",
    "Job",
    "Joint",
    "LeaseLost",
    "Parked",
    "ParkedJob",
    "Policy",
    "Verdict",
    "Worker",
    "add",
    "hold",
    "parked",
    "release",
    "watch",
    "withdraw",
]
