"""The breaches: ways to get a rule of docs/rules.md wrong, each as a patch that what defends the rule has to notice."""

from dataclasses import dataclass
from typing import Final

from campaign.bite.bugs import Patch

NOTIFICATIONS: Final = "contracts/nemrefusion/v1"
INTAKE: Final = "services/intake"
TASKS: Final = "services/tasks/domain"


@dataclass(frozen=True, kw_only=True, slots=True)
class Breach:
    """`rule` is the id of the rule that the patch breaks."""

    rule: str
    name: str
    patch: Patch


def _breach(rule: str, name: str, file: str, old: str, new: str) -> Breach:
    return Breach(rule=rule, name=name, patch=Patch(file=file, changes={old: new}))


BREACHES: Final[tuple[Breach, ...]] = (
    _breach(
        "N1",
        "a withdrawal is no kind of notification",
        f"{NOTIFICATIONS}/parsing.py",
        "model for model in get_args(AnyNotification)\n",
        "model for model in get_args(AnyNotification)[:-1]\n",
    ),
    _breach(
        "N1",
        "nobody hears which refund request is the last",
        f"{INTAKE}/usecases/announcements.py",
        "                if final is None\n",
        "                if final is not None or True\n",
    ),
    _breach(
        "N2",
        "an employee's employment may be left out",
        f"{NOTIFICATIONS}/consistency.py",
        '_MANDATORY_FOR_EMPLOYEES: Final = ("pay", "employment")',
        '_MANDATORY_FOR_EMPLOYEES: Final = ("pay",)',
    ),
    _breach(
        "N2",
        "any four digits are a municipality",
        "contracts/nemrefusion/municipalities.py",
        "    return known is not None and known.first_day <= on",
        "    return known is None or known.first_day <= on",
    ),
    _breach(
        "N3",
        "a CVR number's check digit is not looked at",
        f"{NOTIFICATIONS}/numbers.py",
        "    return (weighted - _CVR_ZEROS) % 11 == 0\n",
        "    return weighted >= _CVR_ZEROS\n",
    ),
    _breach(
        "N3",
        "a CPR number's date is not looked at",
        f"{NOTIFICATIONS}/numbers.py",
        "    return birth_date(digits) is not None\n",
        "    return len(digits) == 10\n",
    ),
    _breach(
        "N3",
        "the first reason is told and the others dropped",
        f"{NOTIFICATIONS}/refusals.py",
        "    return tuple(first.values())\n",
        "    return tuple(first.values())[:1]\n",
    ),
    _breach(
        "N3",
        "what is rejected is not answered",
        f"{INTAKE}/usecases/announcements.py",
        "    return [_receipt(one, received_at) for one in outcomes]\n",
        "    return [_receipt(one, received_at) for one in outcomes if not isinstance(one, Rejected)]\n",
    ),
    _breach(
        "N4",
        "a conflict is taken for a duplicate",
        f"{INTAKE}/usecases/judging.py",
        "    if known.fingerprint != fingerprint:\n",
        "    if known.fingerprint == fingerprint[:0]:\n",
    ),
    _breach(
        "N4",
        "a duplicate gets a receipt id of its own",
        f"{INTAKE}/usecases/judging.py",
        "notice=notice, original_id=known.original_id, receipt_id=known.receipt_id,",
        "notice=notice, original_id=known.original_id, receipt_id=known.notification_id,",
    ),
    _breach(
        "N4",
        "an id that was rejected stays taken",
        f"{INTAKE}/usecases/judging.py",
        "                work.forgotten.append(one.notification_id)  # an id that was rejected is free\n",
        "",
    ),
    _breach(
        "N4",
        "white space makes another content",
        f"{NOTIFICATIONS}/parsing.py",
        "self.notification.__pydantic_serializer__.to_json(self.notification, exclude_defaults=True)",
        "self.notification.__pydantic_serializer__.to_json(self.notification, exclude_unset=True)",
    ),
    _breach(
        "N5",
        "what arrives last holds, not what was sent last",
        f"{INTAKE}/domain/absence.py",
        "    if absence.told_at is not None and claim.stamp < absence.told_at:\n",
        "    if absence.told_at is not None and claim.stamp < absence.told_at[:0]:\n",
    ),
    _breach(
        "N5",
        "of two sent at once the one that arrives last holds",
        f"{INTAKE}/domain/absence.py",
        "    if absence.told_at is not None and claim.stamp < absence.told_at:\n",
        "    if absence.told_at is not None and claim.stamp.sent_at < absence.told_at.sent_at:\n",
    ),
    _breach(
        "N5",
        "a repeat under another reference opens a second absence",
        f"{INTAKE}/usecases/candidates.py",
        "    told = (str(citizen_id), _reporter(report),",
        "    told = (str(report.absence_reference), _reporter(report),",
    ),
    _breach(
        "N5",
        "another reporter speaks about an absence",
        f"{INTAKE}/domain/absence.py",
        "    if (absence.citizen_id, absence.reporter) != (claim.citizen_id, claim.reporter):\n",
        "    if absence.citizen_id != claim.citizen_id:\n",
    ),
    _breach(
        "N5",
        "what waits is forgotten when its report comes",
        f"{INTAKE}/usecases/joining.py",
        "        for one in waiting:\n            verdict = decide(absence, one.claim)\n",
        "        for one in waiting[:0]:\n            verdict = decide(absence, one.claim)\n",
    ),
    _breach(
        "N5",
        "what waits about somebody else joins",
        f"{INTAKE}/usecases/joining.py",
        "        waiting = [self._again(one, opening.citizen) for one in kept if one.citizen_id == opening.citizen.citizen_id]\n",
        "        waiting = [self._again(one, opening.citizen) for one in kept]\n",
    ),
    _breach(
        "N5",
        "a repeat is gone with the absence that it repeats",
        f"{INTAKE}/usecases/judging.py",
        "        for repeat_key, citizen in work.given_up:",
        "        for repeat_key, citizen in work.given_up[:0]:",
    ),
    _breach(
        "N5",
        "a fast-track request waits for its report",
        f"{INTAKE}/domain/absence.py",
        "            return _fast_track(_opened(absence, claim, State.PRELIMINARY), claim, request)\n",
        "            return Waits()\n",
    ),
    _breach(
        "N5",
        "tasks go back to an older amendment",
        f"{TASKS}/absence.py",
        "    if not amendment.is_current or version < absence.told_version:\n",
        "    if not amendment.is_current:\n",
    ),
    _breach(
        "N6",
        "five weeks are a day short",
        f"{INTAKE}/domain/rules.py",
        "        return report.first_absence_day + timedelta(weeks=5)\n",
        "        return report.first_absence_day + timedelta(days=34)\n",
    ),
    _breach(
        "N6",
        "the employer period is ignored",
        f"{INTAKE}/domain/rules.py",
        "    return report.last_absence_day - report.first_absence_day + timedelta(days=1) > EMPLOYER_PERIOD\n",
        "    return report.last_absence_day >= report.first_absence_day\n",
    ),
    _breach(
        "N6",
        "the last of thirty days is not counted",
        f"{INTAKE}/domain/rules.py",
        "    return report.last_absence_day - report.first_absence_day + timedelta(days=1) > EMPLOYER_PERIOD\n",
        "    return report.last_absence_day - report.first_absence_day > EMPLOYER_PERIOD\n",
    ),
    _breach(
        "N6",
        "a day ends at midnight in UTC",
        f"{INTAKE}/domain/rules.py",
        "import WITH_THE_FUND, civil_day\n",
        "import WITH_THE_FUND\n\n\ndef civil_day(instant):\n    return instant.date()\n",
    ),
    _breach(
        "N6",
        "summer time is forgotten",
        f"{INTAKE}/domain/rules.py",
        "import WITH_THE_FUND, civil_day\n",
        "import WITH_THE_FUND\n\n\ndef civil_day(instant):\n    return (instant + timedelta(hours=1)).date()\n",
    ),
    _breach(
        "N6",
        "a § 56 agreement leaves the employer period",
        f"{INTAKE}/domain/rules.py",
        "(employment.is_flexjob or employment.has_section_56_agreement)",
        "employment.is_flexjob",
    ),
    _breach(
        "N6",
        "refund is counted from the last day",
        f"{INTAKE}/domain/rules.py",
        "    last = request.period.first_day + timedelta(weeks=5)\n",
        "    last = request.period.last_day + timedelta(weeks=5)\n",
    ),
    _breach(
        "N7",
        "thirteen days stay with the fund",
        f"{NOTIFICATIONS}/plausibility.py",
        "    return report.last_absence_day - report.first_absence_day + timedelta(days=1) <= WITH_THE_FUND\n",
        "    return report.last_absence_day - report.first_absence_day + timedelta(days=1) < WITH_THE_FUND\n",
    ),
    _breach(
        "N7",
        "fifteen days stay with the fund",
        f"{NOTIFICATIONS}/plausibility.py",
        "    return report.last_absence_day - report.first_absence_day + timedelta(days=1) <= WITH_THE_FUND\n",
        "    return report.last_absence_day - report.first_absence_day <= WITH_THE_FUND\n",
    ),
    _breach(
        "N7",
        "what has no last day is rejected",
        f"{NOTIFICATIONS}/plausibility.py",
        "    if report.citizen_kind is not CitizenKind.UNEMPLOYED or report.last_absence_day is None:\n        return False\n",
        "    if report.citizen_kind is not CitizenKind.UNEMPLOYED:\n        return False\n"
        "    if report.last_absence_day is None:\n        return True\n",
    ),
    _breach(
        "N7",
        "the fifteenth day is early too",
        f"{INTAKE}/domain/rules.py",
        ".first_absence_day + WITH_THE_FUND\n",
        ".first_absence_day + WITH_THE_FUND + timedelta(days=1)\n",
    ),
    _breach(
        "N8",
        "a CPR number is the key of an event",
        f"{INTAKE}/usecases/announcements.py",
        '    return encode(event, event_id=ids.derive(candidate.receipt_id, step), time=received_at)\n',
        "    encoded = encode(event, event_id=ids.derive(candidate.receipt_id, step), time=received_at)\n"
        "    return encoded._replace(key=body.citizen.cpr)\n",
    ),
    _breach(
        "N8",
        "a CPR number stands in the body of an event",
        f"{INTAKE}/usecases/announcements.py",
        '    return encode(event, event_id=ids.derive(candidate.receipt_id, step), time=received_at)\n',
        "    encoded = encode(event, event_id=ids.derive(candidate.receipt_id, step), time=received_at)\n"
        """    return encoded._replace(value=encoded.value[:-1] + f',"cpr":"{body.citizen.cpr}"}}'.encode())\n""",
    ),
    _breach(
        "N8",
        "what was told is not sealed",
        f"{INTAKE}/usecases/announcements.py",
        "    return b64encode(seal(citizen.key, candidate.told, owner=str(citizen.citizen_id), field=field)).decode()\n",
        "    return b64encode(candidate.told).decode()\n",
    ),
    _breach(
        "N8",
        "what was told is sealed under another field",
        f"{INTAKE}/usecases/announcements.py",
        "    field = absence_v1.REPORTED_SEALING_FIELD\n",
        '    field = "absence.told"\n',
    ),
    _breach(
        "N8",
        "what the vault keeps is sealed into the event too",
        f"{INTAKE}/usecases/candidates.py",
        '"absence_reference", "sent_at", "citizen"}',
        '"absence_reference", "sent_at"}',
    ),
    _breach(
        "N8",
        "what waits is kept in clear",
        f"{INTAKE}/usecases/joining.py",
        "            sealed=seal(\n"
        "                one.citizen.key, one.notice.record.packed(), owner=str(one.citizen.citizen_id), field=SEALING_FIELD\n"
        "            ),\n",
        "            sealed=one.notice.record.packed(),\n",
    ),
    _breach(
        "N8",
        "whoever logs a notification logs what it says",
        f"{INTAKE}/usecases/candidates.py",
        '        return f"Candidate({self.notice!r})"\n',
        '        return f"Candidate({self.told!r})"\n',
    ),
    _breach(
        "T1",
        "the form comes before the comment",
        f"{TASKS}/demands.py",
        "    return (*due, *missing_form(told, ()))\n",
        "    return (*missing_form(told, ()), *due)\n",
    ),
    _breach(
        "T1",
        "who is back already is asked for the form",
        f"{TASKS}/demands.py",
        "    if told.last_absence_day is not None or any(",
        "    if any(",
    ),
    _breach(
        "T2",
        "a deadline is a number of hours",
        f"{TASKS}/clocks.py",
        "        return end_of_day(self.day)\n",
        "        return end_of_day(self.day_zero) + (self.day - self.day_zero)\n",
    ),
    _breach(
        "T2",
        "day zero is the day in UTC",
        f"{TASKS}/clocks.py",
        "    return instant.astimezone(COPENHAGEN).date()\n",
        "    return instant.astimezone(UTC).date()\n",
    ),
    _breach(
        "T2",
        "the letter printed a later day than the one that binds",
        f"{TASKS}/clocks.py",
        "day=max(day_zero + DAYS_TO_ANSWER, letter.planned_deadline_day))",
        "day=day_zero + DAYS_TO_ANSWER)",
    ),
    _breach(
        "T4",
        "the self-employed comment on what they reported themselves",
        f"{TASKS}/demands.py",
        "    if kind is CitizenKind.SELF_EMPLOYED:\n        return ()  # they reported themselves\n",
        "",
    ),
    _breach(
        "T4",
        "only the last refund request is commented on",
        f"{TASKS}/demands.py",
        "    comment = _comment(kind, About.REFUND)\n",
        "    comment = _comment(kind, About.REFUND) if final is not None else ()\n",
    ),
    _breach(
        "T5",
        "wage that ended by recovery asks for the benefit",
        f"{TASKS}/demands.py",
        "    return until < civil_day(sent_at) and (last_day is None or until < last_day)\n",
        "    return until < civil_day(sent_at)\n",
    ),
    _breach(
        "T5",
        "the last refund request asks although the absence is over",
        f"{TASKS}/demands.py",
        "    if final is None or not final.absence_continues or not _is_on_wage(",
        "    if final is None or not _is_on_wage(",
    ),
    _breach(
        "T13",
        "an amendment takes back the day of the recovery",
        f"{TASKS}/absence.py",
        "        last_absence_day=absence.recovered_day or told.last_absence_day,\n",
        "        last_absence_day=told.last_absence_day,\n",
    ),
    _breach(
        "T16",
        "fast-track is taken a day too long",
        f"{NOTIFICATIONS}/plausibility.py",
        "FAST_TRACK_WITHIN: Final = timedelta(days=34)",
        "FAST_TRACK_WITHIN: Final = timedelta(weeks=5)",
    ),
    _breach(
        "T16",
        "the unemployed are asked for consent",
        f"{TASKS}/demands.py",
        "    if kind not in {None, CitizenKind.EMPLOYEE}:\n        return ()\n",
        "",
    ),
    _breach(
        "T16",
        "an older wish stays beside the newer one",
        f"{TASKS}/absence.py",
        "closes=_superseded(tasks, opens, About.FAST_TRACK))",
        "closes=())",
    ),
    _breach(
        "T20",
        "a withdrawal leaves what is asked for",
        f"{TASKS}/absence.py",
        "        closes=tuple(task._replace(state=TaskState.WITHDRAWN) for task in tasks if task.is_open),\n",
        "",
    ),
    _breach(
        "T20",
        "an amendment leaves the older comment open",
        f"{TASKS}/absence.py",
        "closes=_superseded(tasks, opens, About.REPORT))",
        "closes=())",
    ),
    _breach(
        "T20",
        "a refund request after the withdrawal is commented on",
        f"{TASKS}/absence.py",
        "    if absence.state is AbsenceState.WITHDRAWN or absence.citizen_kind is None:\n",
        "    if absence.citizen_kind is None:\n",
    ),
    _breach(
        "M1",
        "the letter names its tasks the other way round",
        "services/notifier/letters/content.py",
        "        tasks=tuple(one.task for one in asked),\n",
        "        tasks=tuple(one.task for one in reversed(asked)),\n",
    ),
    _breach(
        "M3",
        "what the gateway has taken over counts as dispatched",
        "services/notifier/domain/letters.py",
        "    if letter.state in {LetterState.PREPARED, LetterState.IN_DOUBT, LetterState.UNKNOWN}:\n"
        "        return replace(letter, state=LetterState.HANDED_OVER)\n",
        "    if letter.state in {LetterState.PREPARED, LetterState.IN_DOUBT, LetterState.UNKNOWN}:\n"
        "        return replace(letter, state=LetterState.DISPATCHED)\n",
    ),
    _breach(
        "M3",
        "a call without an answer counts as never made",
        "services/notifier/domain/answers.py",
        "        return Answer.UNKNOWN if heard.was_sent else Answer.NOT_TAKEN\n",
        "        return Answer.NOT_TAKEN\n",
    ),
    _breach(
        "M3",
        "a fault nobody knows goes on paper as if it were known",
        "services/notifier/domain/channels.py",
        "    remedy = ways.codes.get(code, Remedy.NOTIFY)\n",
        "    remedy = ways.codes.get(code, Remedy.OTHER_CHANNEL)\n",
    ),
    _breach(
        "M3",
        "a letter that was never called for is sent though the one before turned out delivered",
        "services/notifier/domain/statuses.py",
        "    if letter.state in {LetterState.REQUESTED, LetterState.HELD, LetterState.UNKNOWN, LetterState.FAILED}:\n",
        "    if letter.state in {LetterState.HELD, LetterState.UNKNOWN, LetterState.FAILED}:\n",
    ),
    _breach(
        "M3",
        "a letter of which a sending before turned out delivered is called unknown",
        "services/notifier/domain/letters.py",
        "        return saved(letter) or replace(letter, state=LetterState.UNKNOWN)\n",
        "        return replace(letter, state=LetterState.UNKNOWN)\n",
    ),
    _breach(
        "M1",
        "who is not registered gets Digital Post all the same",
        "services/notifier/domain/channels.py",
        "    return Channel.PAPER if ways.paper else None\n",
        "    return Channel.DIGITAL_POST if ways.paper else None\n",
    ),
    _breach(
        "O1",
        "a field may go from what old readers read",
        "contracts/compatibility.py",
        '                yield Change(_join(path, name), "was removed")\n',
        "                continue\n",
    ),
    _breach(
        "D1",
        "an empty file is taken",
        "services/uploads/usecases/incoming.py",
        "        (Code.EMPTY, incoming.size == 0),\n",
        "        (Code.EMPTY, incoming.size < 0),\n",
    ),
    _breach(
        "D1",
        "a file is what it says it is",
        "services/uploads/usecases/incoming.py",
        "    if (fault := misfit(kind, name=incoming.name, declared=incoming.declared)) is not None:\n",
        "    if (fault := misfit(kind, name=incoming.name, declared=None)) is not None:\n",
    ),
    _breach(
        "D1",
        "a submission without files is sent",
        "services/uploads/domain/submissions.py",
        "    if not files:\n",
        "    if files is None:\n",
    ),
    _breach(
        "D2",
        "an error of the scanner is taken for clean",
        "plumbing/clamd.py",
        '    return NotScanned(reason="error-reply" if reply.endswith(b"ERROR\\0") else "odd-reply")\n',
        '    return Clean() if reply.endswith(b"ERROR\\0") else NotScanned(reason="odd-reply")\n',
    ),
    _breach(
        "D2",
        "no answer of the scanner is taken for clean",
        "plumbing/clamd.py",
        '        return NotScanned(reason="no-reply")\n',
        "        return Clean()\n",
    ),
    _breach(
        "D2",
        "a scanner that could not look into all of it is passed over",
        "plumbing/clamd.py",
        "            return Unscannable(name=name)\n",
        "            return Clean()\n",
    ),
    Breach(
        rule="D2",
        name="only the first MiB is scanned",
        patch=Patch(
            file="services/uploads/usecases/inspect.py",
            changes={
                "    while piece := os.pread(descriptor, CHUNK_BYTES, at):\n": (
                    "    while at < 1024 * 1024 and (piece := os.pread(descriptor, CHUNK_BYTES, at)):\n"
                ),
                "        scan = await self._scanner.scan(_pieces(body), size=size)\n": (
                    "        scan = await self._scanner.scan(_pieces(body), size=min(size, 1024 * 1024))\n"
                ),
            },
        ),
    ),
    _breach(
        "D2",
        "a key says nothing of the bytes",
        "services/uploads/domain/submissions.py",
        '    return f"{absence_id}/{file.file_id}/{file.digest}"\n',
        '    return f"{absence_id}/{file.file_id}"\n',
    ),
    _breach(
        "D3",
        "what is bad is left out, and the rest goes on",
        "services/uploads/domain/submissions.py",
        "    if bad := [one for one in files if one.state.holds_back]:\n",
        "    if (bad := [one for one in files if one.state.holds_back]) and len(bad) == len(files):\n",
    ),
    _breach(
        "D3",
        "what was held back cannot be put right",
        "services/uploads/domain/submissions.py",
        "replace(asked, state=SubmissionState.OPEN, sent_at=None, attempt_id=None)\n",
        "replace(asked, sent_at=None, attempt_id=None)\n",
    ),
    _breach(
        "D4",
        "what is not checked goes on with the rest",
        "services/uploads/domain/submissions.py",
        "    if any(one.state is FileState.PENDING for one in files):\n",
        "    if all(one.state is FileState.PENDING for one in files):\n",
    ),
    _breach(
        "D4",
        "the instant of sending is that of the check",
        "services/uploads/domain/submissions.py",
        "sent_at=submission.sent_at or now)\n",
        "sent_at=now)\n",
    ),
    _breach(
        "D4",
        "a file that nobody could look into is kept",
        "services/uploads/usecases/inspect.py",
        '            return NotChecked(reason="no-look")\n',
        "            return Kept(body=body, size=size, digest=digest, scanned=_scanned(version, at))\n",
    ),
    _breach(
        "D5",
        "whoever fetches a document cannot compare its bytes",
        "services/uploads/usecases/announcements.py",
        "        sha256=file.digest,\n        original_sha256=",
        "        sha256=file.original_digest,\n        original_sha256=",
    ),
    _breach(
        "D5",
        "a document goes on under a key where it is not",
        "services/uploads/usecases/announcements.py",
        "        object_key=object_key(absence_id, file),\n",
        "        object_key=object_key(file.submission_id, file),\n",
    ),
)  # fmt: skip
