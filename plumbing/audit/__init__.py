"""Audit: who saw or did what to whose data, written with the effect itself and chained by hash so that a change is found."""

from plumbing.audit.chain import Anchor, Sealer
from plumbing.audit.entries import DIGESTS_IN_GROUPS, SCHEMA, UNSEALED_IN_GROUPS, Entry, put
from plumbing.audit.verification import Finding, FindingKind, Verdict, verify

__all__ = [
    "DIGESTS_IN_GROUPS",
    "SCHEMA",
    "UNSEALED_IN_GROUPS",
    "Anchor",
    "Entry",
    "Finding",
    "FindingKind",
    "Sealer",
    "Verdict",
    "put",
    "verify",
]
