"""The pages, in Danish: the list of letters, a mailbox, a letter as it looks.

All of them are pure: what is shown comes as arguments, and what senders wrote goes through `markup` like everything else.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from simulators.post_gateway.handed_in import DIGITAL_POST, NEMSMS, PAPER, Action, Content
from simulators.post_gateway.mailbox.markup import Html, Piece, document, tag, together
from simulators.post_gateway.mailbox.shelf import Envelope, Heard, Opened, Stage
from simulators.post_gateway.sheets import Sheets
from simulators.post_gateway.statuses import DELIVERED, FAILED, POSTED, UPDATED

FRONT: Final = "/_sim/mailboxes"
STYLE: Final = "/_sim/mailboxes/style.css"
MOST_PICTURES: Final = 20

_DENMARK: Final = ZoneInfo("Europe/Copenhagen")
_MONTHS: Final = (
    "januar", "februar", "marts", "april", "maj", "juni", "juli", "august", "september", "oktober", "november", "december",
)  # fmt: skip
_HTTPS: Final = re.compile(r"https://[^/\s@]+(/\S*)?")
_STAGES: Final = {Stage.TOLD: "fortalt", Stage.UNDER_WAY: "på vej", Stage.LATER: "kommer senere"}
_MOODS: Final = {DELIVERED: "good", POSTED: "good", FAILED: "bad", UPDATED: "bad"}
_YES_OR_NO: Final = {"true": "Ja", "1": "Ja", "false": "Nej", "0": "Nej"}


def letter_path(number: int) -> str:
    return f"/_sim/letters/{number}"


def front(newest: Sequence[Envelope], problem: str | None = None) -> str:
    """The form and the newest letters; `problem` says what was wrong with what was asked."""
    return _page(
        "Postkasser",
        tag("h1", "Postkasser"),
        tag(
            "p",
            "Se, hvad der er sendt til en testperson: breve, som de ser ud, statusser og NemSMS. Alle personer er opdigtede.",
            class_="lead",
        ),
        tag("section", tag("h2", "Find en postkasse"), _form(problem), class_="card"),
        tag("section", tag("h2", "Nyeste breve"), _listed(newest, "De nyeste breve, uden at det ses, hvem de er til")),
    )


def mailbox(letters: Sequence[Envelope], registered: Mapping[str, bool]) -> str:
    """What one person got; `registered`: services by their name, and whether the person is in them. Nothing tells who it is."""
    told = [(name, "Tilmeldt" if is_in else "Ikke tilmeldt") for name, is_in in registered.items()]
    return _page(
        "Postkasse",
        _back(),
        tag("h1", "Postkassen"),
        tag("section", tag("h2", "Tilmeldinger"), _facts(told), class_="card") if told else None,
        tag(
            "section", tag("h2", "Breve"), _listed(letters, "Breve til postkassen, det nyeste først", with_subject=True)
        ),
    )


def letter(opened: Opened, sheets: Sheets | None) -> str:
    """One letter. `sheets`: what its document is; None where it has none that can be opened."""
    envelope, content = opened.envelope, opened.content
    title = (content.subject if content else "") or f"Brev nr. {envelope.number}"
    return _page(
        title,
        _back(),
        tag("p", f"{envelope.channel} · nr. {envelope.number}", class_="kicker"),
        tag("h1", title),
        _badge(envelope.status),
        tag(
            "div",
            tag("div", _looks(opened, sheets), class_="looks"),
            tag(
                "div",
                tag("section", tag("h2", "Statusser"), _statuses(opened.statuses), class_="card"),
                tag("section", tag("h2", "Oplysninger"), _facts(_told(opened, sheets)), class_="card"),
                *(_action(action) for action in (content.actions if content else ())),
            ),
            class_="open",
        ),
    )


def nothing_there() -> str:
    return _page("Findes ikke", _back(), tag("h1", "Brevet findes ikke"))


def danish(at: datetime) -> str:
    """As a Dane would write that instant."""
    local = at.astimezone(_DENMARK)
    return f"{local.day}. {_MONTHS[local.month - 1]} {local.year} kl. {local:%H.%M}"


def _page(title: str, *inside: Piece) -> str:
    header = tag("header", tag("a", "Postgatewayen", href=FRONT), tag("span", "simulator"), class_="top")
    return document(
        f"{title} – Postgatewayen", style=STYLE, body=tag("body", header, tag("main", *inside), class_="page")
    )


def _back() -> Html:
    return tag("nav", tag("a", "Alle postkasser", href=FRONT), aria_label="Sti")


def _form(problem: str | None) -> Html:
    """A number in a URL would be logged by whoever stands between, so it is posted."""
    wrong = tag("p", problem, class_="problem", id="problem", role="alert") if problem else None
    described = "problem" if problem else None
    number = tag(
        "input",
        id="number",
        name="number",
        inputmode="numeric",
        autocomplete="off",
        maxlength=11,
        aria_describedby=described,
    )
    name = tag("input", id="name", name="name", autocomplete="off", maxlength=200, aria_describedby="name-help")
    return tag(
        "form",
        wrong,
        tag("div", tag("label", "CPR- eller CVR-nummer", for_="number"), number, class_="field"),
        tag(
            "div",
            tag("label", "eller navnet på kuverten", for_="name"),
            name,
            tag("p", "Fysisk post kendes kun på det, der står i kuvertens rude.", id="name-help", class_="help"),
            class_="field",
        ),
        tag("button", "Åbn postkassen", type="submit"),
        method="post",
        action=FRONT,
    )


def _listed(letters: Sequence[Envelope], caption: str, *, with_subject: bool = False) -> Html:
    if not letters:
        return tag("p", "Her er ingen breve.", class_="empty")
    names = ["Brev", *(["Emne"] if with_subject else []), "Kanal", "Afleveret til gatewayen", "Seneste status"]
    rows = [
        tag(
            "tr",
            tag("th", tag("a", f"Nr. {one.number}", href=letter_path(one.number)), scope="row"),
            tag("td", one.subject or "–") if with_subject else None,
            tag("td", one.channel),
            tag("td", _time(one.accepted_at)),
            tag("td", _badge(one.status)),
        )
        for one in letters
    ]
    head = tag("thead", tag("tr", *(tag("th", name, scope="col") for name in names)))
    return tag("div", tag("table", tag("caption", caption), head, tag("tbody", *rows)), class_="scroll", tabindex=0)


def _looks(opened: Opened, sheets: Sheets | None) -> Html:
    content = opened.content
    if content is None:
        return tag("section", tag("h2", "Indhold"), tag("p", "Indholdet gemmes ikke længere.", class_="empty"))
    if opened.envelope.channel == NEMSMS:
        return tag("section", tag("h2", "Sådan ser beskeden ud"), _telephone(content))
    if sheets is None:
        told = "Dokumentet kan ikke vises: det er ikke en PDF, der kan åbnes."
        return tag("section", tag("h2", "Sådan ser brevet ud"), tag("p", told, class_="empty"))
    path, shown = letter_path(opened.envelope.number), min(sheets.pages, MOST_PICTURES)
    pictures = [
        tag(
            "figure",
            tag("img", src=f"{path}/pages/{nth}.png", alt=f"Side {nth} af {sheets.pages} af brevet"),
            tag("figcaption", f"Side {nth} af {sheets.pages}"),
        )
        for nth in range(1, shown + 1)
    ]
    download = tag("a", "Hent brevet som PDF", href=f"{path}/letter.pdf", class_="button")
    return tag("section", tag("h2", "Sådan ser brevet ud"), tag("p", download), *pictures)


def _telephone(content: Content) -> Html:
    bubble = tag("p", content.text or "", class_="bubble")
    return tag("div", tag("p", content.sender or "NemSMS", class_="from"), bubble, class_="telephone")


def _told(opened: Opened, sheets: Sheets | None) -> list[tuple[str, Piece]]:
    envelope, content = opened.envelope, opened.content
    known_as = "Afsendelsesidentifikator" if envelope.channel == PAPER else "MessageUUID"
    told: list[tuple[str, Piece]] = [
        ("Kanal", envelope.channel),
        ("Afleveret til gatewayen", _time(envelope.accepted_at)),
        (known_as, tag("code", opened.known_as)),
    ]
    if content is None:
        return told
    number = f" (CVR {content.sender_number})" if content.sender_number else ""
    told.append(("Emne", content.subject or None))
    told.append(("Afsender", f"{content.sender}{number}" if content.sender else None))
    if envelope.channel == PAPER and sheets is not None:
        told.append(("Adressen i ruden", _lines(sheets.window) if sheets.window else "Ingen kan læses"))
    if envelope.channel == DIGITAL_POST:
        told.append(("Obligatorisk", _yes_or_no(content.mandatory)))
        told.append(("Retlig notifikation", _yes_or_no(content.legal_notification)))
        told.append(("Svar senest", _when(content.reply_by)))
    told.append(("Fil", content.file_name))
    told.append(("Flere filer, ikke gemt", str(content.other_files) if content.other_files else None))
    return told


def _action(action: Action) -> Html:
    facts: list[tuple[str, Piece]] = [
        ("Kode", tag("code", action.code) if action.code else None),
        ("Link", _link(action.url)),
        ("Fra", _when(action.starts_at)),
        ("Slutdato", _when(action.ends_at)),
    ]
    return tag("section", tag("h2", "Handling: ", action.label), _facts(facts), class_="card")


def _statuses(statuses: Sequence[Heard]) -> Html:
    if not statuses:
        return tag("p", "Ingen status endnu.", class_="empty")
    return tag("ol", *(_status(one) for one in statuses), class_="statuses")


def _status(one: Heard) -> Html:
    failed = f"{one.error_code}: {one.error_text or ''}" if one.error_code else None
    receipt = "kvitteret" if one.is_acknowledged else "ikke kvitteret"
    return tag(
        "li",
        tag("p", _badge(one.code, is_told=one.stage is Stage.TOLD)),
        tag(
            "p",
            _time(one.at),
            f" · {_STAGES[one.stage]}",
            f", {receipt}" if one.stage is Stage.TOLD else None,
            class_="help",
        ),
        tag("p", "Fejlkode ", tag("code", failed)) if failed else None,
        tag("p", "Hændelseskode ", tag("code", one.event_code)) if one.event_code else None,
        class_=None if one.stage is Stage.TOLD else "pending",
    )


def _badge(status: str | None, *, is_told: bool = True) -> Html:
    mood = _MOODS.get(status or "", "plain") if is_told else "plain"
    return tag("span", status or "Ingen status endnu", class_=f"badge {mood}")


def _facts(facts: Sequence[tuple[str, Piece]]) -> Html:
    """Those that are known."""
    shown = [together(tag("dt", name), tag("dd", value)) for name, value in facts if value is not None]
    return tag("dl", *shown)


def _link(url: str | None) -> Piece:
    """A sender's address leads somewhere only if it is one of the web."""
    if url is None or not _HTTPS.fullmatch(url):
        return None if url is None else tag("code", url)
    return tag("a", url, href=url, rel="noreferrer noopener nofollow")


def _when(text: str | None) -> Piece:
    """An instant as a sender wrote it: in Danish if it is one."""
    try:
        at = datetime.fromisoformat(text or "")
        return text if at.tzinfo is None else _time(at)
    except (ValueError, OverflowError):
        return text


def _time(at: datetime) -> Html:
    return tag("time", danish(at), datetime=at.isoformat())


def _yes_or_no(text: str | None) -> str | None:
    return _YES_OR_NO.get(text or "", text)


def _lines(lines: Sequence[str]) -> Html:
    return together(*(tag("span", line, class_="line") for line in lines))
