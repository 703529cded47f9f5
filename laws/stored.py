"""L4: whatever can be read from the clean store was found clean, byte for byte; and nobody but `uploads` reads what was not
looked at yet.

Judged by bytes: of each version in the clean bucket at rest, and of whatever the watch was given meanwhile with any account.
What may lie there follows from the citizens' own history, which knows of each file what it has to come to; that a verdict was
written follows from the tables.
"""

from collections.abc import Mapping

from laws import names
from laws.evidence import Documents, Evidence, Row, StoredObject, by
from laws.verdict import Findings, Verdict

LAW = "L4 nothing is readable that was not found clean"
CLEAN = "clean"


def check(evidence: Evidence) -> Verdict:
    findings = Findings(law=LAW)
    documents = evidence.documents or Documents(asked=(), objects=(), sightings=())
    good = {str(one["sha256"]) for one in documents.asked if one.get("expected") == CLEAN}
    lying = [one for one in documents.objects if one.bucket == names.CLEAN_BUCKET]
    for one in lying:
        findings.demand(one.sha256 in good, "bytes in the clean store that are not good", one.key)
    _on_record(lying, evidence, findings)
    aside = [one for one in documents.objects if one.bucket == names.INBOUND_BUCKET]
    for one in aside:
        findings.offence("set aside, and left there", one.key)
    read = _seen(documents, good, findings)
    findings.count("files sent", sum(one["verb"] == "add" and one["type"] == "invoke" for one in documents.asked))
    findings.count("objects in the clean store", len(lying))
    findings.count("readings tried meanwhile", read)
    return findings.verdict(judged=len(lying) + read)


def _on_record(lying: list[StoredObject], evidence: Evidence, findings: Findings) -> None:
    """Each object belongs to a file that is clean, with a verdict that says so; and each such file has its object."""
    submissions = {str(row["submission_id"]): row for row in evidence.table("uploads", "submission")}
    files = {str(row["file_id"]): row for row in evidence.table("uploads", "file")}
    verdicts = by(evidence.table("uploads", "verdict"), "file_id")
    found: set[tuple[str, str]] = set()
    for one in lying:
        absence_id, _, rest = one.key.partition("/")
        file_id, _, digest = rest.partition("/")
        file = files.get(file_id)
        if not findings.demand(file is not None, "an object of no file", one.key):
            continue
        assert file is not None
        standing = file["state"] == CLEAN and not file["is_removed"]
        findings.demand(standing, "an object of a file that is not kept", one.key, file["state"])
        same = one.sha256 == digest == file["digest"]
        findings.demand(same, "other bytes than are on record", one.key)
        whose = submissions.get(str(file["submission_id"]), {}).get("absence_id")
        findings.demand(str(whose) == absence_id, "an object in another absence's place", one.key)
        findings.demand(_has_verdict(file, verdicts), "clean without a verdict of a scanner", one.key)
        found.add((file_id, one.version))
    for file_id, file in files.items():
        if file["state"] == CLEAN and not file["is_removed"]:
            findings.demand((file_id, file["object_version"]) in found, "a clean file without its bytes", file_id)


def _has_verdict(file: Row, verdicts: Mapping[str, list[Row]]) -> bool:
    return any(
        row["outcome"] == CLEAN and row["engine"] and row["digest"] == file["original_digest"]
        for row in verdicts.get(str(file["file_id"]), ())
    )


def _seen(documents: Documents, good: set[str], findings: Findings) -> int:
    """What the watch met; how many readings it tried."""
    tried = 0
    for one in documents.sightings:
        who, bucket, given = one["who"], one["bucket"], one["answer"] == "given"
        if one["did"] == "list":
            findings.demand(not given or who in names.LISTERS[bucket], "a bucket listed by who may not", who, bucket)
            continue
        tried += 1
        findings.demand(not given or who in names.READERS[bucket], "read by who may not", who, one["object"])
        if given and bucket == names.CLEAN_BUCKET:
            findings.demand(one["sha256"] in good, "bytes were readable that are not good", who, one["object"])
        if one["answer"] == "refused":
            findings.demand(who not in names.READERS[bucket], "refused to who may read", who, one["object"])
    return tried
