"""What each kind of task means to the one who is asked: Danish for the letter, English for its last paragraph. Data, no logic.

Written to be understood at first reading by somebody who is ill. No subject holds a word about health: it is shown on locked
screens. What is promised or threatened is what the specification says (T4, T9, T10, T12, T16, T19), and no more.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskText:
    """A task as the letter names it."""

    title: str
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Kind:
    """A kind of task. `subject` and `opening` are those of a letter about nothing else; `{day}` is the deadline.

    `is_demanded`: not answering has a price, so the letter says *must*. `is_ordered`: one of those that are solved one after the
    other (T1). `has_eight_days`: the deadline is the eighth day after dispatch; else the case system set it.
    """

    task: TaskText
    subject: str
    opening: str
    consequence: str
    english: str
    is_demanded: bool
    is_ordered: bool
    has_eight_days: bool


MUST_SUBJECT: Final = "Du skal svare senest {day}"
MAY_SUBJECT: Final = "Du kan svare senest {day}"

_REPORTED: Final = (
    "Vi har fået oplysninger om dit sygefravær. Før vi kan behandle din sag, har vi brug for svar fra dig."
)
SEVERAL_OPENING: Final = "Vi behandler din sag om sygedagpenge og har brug for at høre fra dig."

KINDS: Final = {
    "comment_reported_information": Kind(
        task=TaskText(
            title="Kommentér oplysninger",
            text="Se, hvad der er oplyst om dit fravær. Er det rigtigt, siger du ja. Er noget forkert, skriver du hvad.",
        ),
        subject="Du kan kommentere oplysninger senest {day}",
        opening="Vi har fået oplysninger om dit sygefravær. Du kan se dem og fortælle os, om de er rigtige.",
        consequence="Hører vi ikke fra dig om »Kommentér oplysninger«, går vi ud fra, at du er enig.",
        english="comment on what was reported about you",
        is_demanded=False,
        is_ordered=True,
        has_eight_days=True,
    ),
    "benefit_request": Kind(
        task=TaskText(
            title="Anmodning om sygedagpenge",
            text="Fortæl os, om du vil søge om sygedagpenge. Svar også, hvis du ikke vil.",
        ),
        subject=MUST_SUBJECT,
        opening=_REPORTED,
        consequence=(
            "Søger du om sygedagpenge efter fristen, kan du normalt først få dem fra den dag, vi modtager din anmodning. "
            "Er der en særlig grund, for eksempel at du var indlagt eller i udlandet, så skriv det."
        ),
        english="say whether you apply for sickness benefit",
        is_demanded=True,
        is_ordered=True,
        has_eight_days=True,
    ),
    "information_form": Kind(
        task=TaskText(
            title="Oplysningsskema",
            text="Fortæl om dit fravær og dit arbejde, så vi kan hjælpe dig bedst. Du kan gemme undervejs.",
        ),
        subject=MUST_SUBJECT,
        opening=_REPORTED,
        consequence=(
            "Kommer oplysningsskemaet for sent uden en rimelig grund, kan du miste retten til sygedagpenge, eller din "
            "arbejdsgiver kan miste sin refusion. Har du en grund, så skriv den."
        ),
        english="fill in the information form",
        is_demanded=True,
        is_ordered=True,
        has_eight_days=True,
    ),
    "fast_track_consent": Kind(
        task=TaskText(
            title="Fast-track",
            text="Se, hvad din arbejdsgiver har skrevet, og fortæl os, om du er enig i at begynde tidligt.",
        ),
        subject="Vi vil gerne have dit svar senest {day}",
        opening=(
            "Din arbejdsgiver har bedt os om at begynde tidligt på at hjælpe dig tilbage til arbejdet. Det kaldes fast-track. "
            "Du bestemmer selv, om du vil være med."
        ),
        consequence="Siger du nej til fast-track, eller svarer du ikke, følger din sag den almindelige tidsplan.",
        english="say whether you agree to fast-track (early help, asked for by your employer)",
        is_demanded=False,
        is_ordered=False,
        has_eight_days=True,
    ),
    "supplementary_information": Kind(
        task=TaskText(
            title="Supplerende oplysninger",
            text="Se, hvad vi mangler at vide. Svar, og send de dokumenter, vi beder om.",
        ),
        subject="Vi mangler oplysninger: Svar senest {day}",
        opening="Vi behandler din sag om sygedagpenge og mangler oplysninger fra dig for at komme videre.",
        consequence="Får vi ikke de supplerende oplysninger, kan vi være nødt til at afgøre sagen uden dem.",
        english="send the information we need",
        is_demanded=True,
        is_ordered=False,
        has_eight_days=False,
    ),
    "party_hearing": Kind(
        task=TaskText(
            title="Partshøring",
            text="Se, hvad vi lægger vægt på, og skriv, hvad du mener.",
        ),
        subject="Partshøring: Du kan svare senest {day}",
        opening=(
            "Vi skal tage stilling i din sag om sygedagpenge. Før vi gør det, har du ret til at se, hvad vi lægger vægt på, "
            "og til at sige din mening."
        ),
        consequence="Svarer du ikke på partshøringen, afgør vi sagen ud fra de oplysninger, vi har.",
        english="comment on your case before we decide, if you wish",
        is_demanded=False,
        is_ordered=False,
        has_eight_days=False,
    ),
    "relocation_consent": Kind(
        task=TaskText(
            title="Flyttesamtykke",
            text="Fortæl os, om din nye kommune må få oplysningerne i din sag. Du kan svare ja eller nej.",
        ),
        subject="Din flytning: Vi vil gerne have dit svar senest {day}",
        opening=(
            "Du skifter kommune, mens du har en sag om sygedagpenge. Derfor spørger vi, om din nye kommune må få "
            "oplysningerne i sagen."
        ),
        consequence="Svarer du ikke på »Flyttesamtykke«, har vi ikke dit samtykke.",
        english="say whether your new municipality may have your information",
        is_demanded=False,
        is_ordered=False,
        has_eight_days=False,
    ),
}
"""By the kind's code."""
