"""What is said to a citizen about a file: what happened, and what to do now, in plain Danish and English (D1, D3, D4)."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from services.uploads.domain.content import Kin
from services.uploads.domain.findings import Code


class Text(NamedTuple):
    """What happened, and what to do now."""

    what: str
    next: str


class Texts(NamedTuple):
    """The same in Danish and English."""

    da: Text
    en: Text


_PLAIN_PDF: Final = (
    "Gem dokumentet som en almindelig PDF, for eksempel ved at udskrive til PDF, og send den.",
    "Save the document as a plain PDF, for instance by printing to PDF, and send that.",
)
_AGAIN: Final = (
    "Åbn filen på din egen enhed. Ser den rigtig ud, så gem den på ny og prøv igen; ellers find en anden udgave.",
    "Open the file on your own device. If it looks right, save it anew and try again; otherwise find another copy.",
)


def _both(what_da: str, what_en: str, then: tuple[str, str]) -> Texts:
    return Texts(Text(what_da, then[0]), Text(what_en, then[1]))


PENDING: Final = Texts(
    Text(
        "Filen er modtaget, men den er ikke kontrolleret endnu.",
        "Du behøver ikke gøre noget. Tidspunktet, hvor du sendte den, er gemt. Se her igen senere.",
    ),
    Text(
        "The file has come in, but it has not been checked yet.",
        "You need not do anything. The time at which you sent it is on record. Look here again later.",
    ),
)
OF_CODE: Final[Mapping[Code, Texts]] = {
    Code.INFECTED: Texts(
        Text(
            "Filen er afvist, fordi den ser ud til at indeholde virus. Intet er sendt til kommunen, og filen er slettet.",
            "Send dokumentet på en anden måde, for eksempel med almindelig post, eller fjern filen og send resten. "
            "Er du i tvivl, så spørg kommunen.",
        ),
        Text(
            "The file was refused because it seems to be infected. Nothing was sent to the municipality, and the file is gone.",
            "Send the document another way, for instance by physical mail, or take the file out and send the rest. "
            "Ask the municipality if in doubt.",
        ),
    ),
    Code.EMPTY: _both("Filen er tom.", "The file is empty.", _AGAIN),
    Code.TOO_LARGE: _both(
        "Filen er for stor. En fil må højst fylde 20 MB.",
        "The file is too large. A file may have 20 MB at most.",
        (
            "Gem den mindre, for eksempel med lavere opløsning, eller del dokumentet i flere filer.",
            "Save it smaller, for instance with a lower resolution, or split the document into several files.",
        ),
    ),
    Code.NAME_NOT_ACCEPTED: _both(
        "Filens navn kan ikke bruges.",
        "The file's name cannot be used.",
        (
            "Giv filen et kort navn med bogstaver og tal, der slutter med .pdf, .png, .jpg eller .gif.",
            "Give the file a short name of letters and digits that ends with .pdf, .png, .jpg or .gif.",
        ),
    ),
    Code.TYPE_NOT_ACCEPTED: _both(
        "Filen er ikke en PDF eller et billede af typen PNG, JPEG eller GIF.",
        "The file is not a PDF, nor a picture of the kinds PNG, JPEG or GIF.",
        _PLAIN_PDF,
    ),
    Code.CONTENT_TYPE_MISMATCH: _both(
        "Filen er noget andet, end den udgiver sig for.", "The file is something else than it says.", _AGAIN
    ),
    Code.EXTENSION_MISMATCH: _both(
        "Endelsen på filens navn passer ikke til indholdet.",
        "The ending of the file's name does not fit what is in it.",
        (
            "Åbn filen og gem den som PDF, PNG, JPEG eller GIF, i stedet for at omdøbe den.",
            "Open the file and save it as PDF, PNG, JPEG or GIF instead of renaming it.",
        ),
    ),
    Code.HASH_MISMATCH: _both(
        "Filen blev ændret undervejs.", "The file was changed on its way.", ("Prøv igen.", "Try again.")
    ),
    Code.MALFORMED: _both(
        "Filen kan ikke læses: den er beskadiget eller ikke hel.",
        "The file cannot be read: it is damaged or not whole.",
        _AGAIN,
    ),
    Code.ENCRYPTED: _both(
        "Filen er låst med en adgangskode, så den kan ikke kontrolleres.",
        "The file is locked with a password, so it cannot be checked.",
        (
            "Gem en udgave uden adgangskode og send den. Forbindelsen til os er beskyttet.",
            "Save a copy without a password and send that. The connection to us is protected.",
        ),
    ),
    Code.ACTIVE_CONTENT: _both(
        "Filen indeholder noget, der kører, når den åbnes. Det tager vi ikke imod.",
        "The file holds something that runs when it is opened. That is not taken.",
        _PLAIN_PDF,
    ),
    Code.EMBEDDED_FILE: _both(
        "Der ligger en anden fil inde i filen. Den kan ikke kontrolleres.",
        "There is another file inside the file. It cannot be checked.",
        ("Send hver fil for sig.", "Send each file by itself."),
    ),
    Code.TRAILING_DATA: _both(
        "Der er noget bag ved filens slutning. Det gør for eksempel nogle telefoners levende billeder.",
        "There is something behind the file's end. Live pictures of some telephones do that, for example.",
        (
            "Send et almindeligt billede, for eksempel et skærmbillede, eller gem filen på ny.",
            "Send an ordinary picture, for instance a screenshot, or save the file anew.",
        ),
    ),
    Code.SECOND_FORMAT: _both(
        "Filen er to slags filer på én gang.", "The file is two kinds of file at once.", _PLAIN_PDF
    ),
    Code.DECOMPRESSION_LIMIT: _both(
        "Filen er pakket så tæt, at den ikke kan kontrolleres.",
        "The file is packed so tightly that it cannot be checked.",
        _PLAIN_PDF,
    ),
    Code.TOO_MANY_PIXELS: _both(
        "Billedet er for stort.",
        "The picture is too large.",
        ("Gem det i mindre opløsning.", "Save it with a lower resolution."),
    ),
    Code.TOO_MANY_PAGES: _both(
        "Dokumentet har mere end 200 sider.",
        "The document has more than 200 pages.",
        ("Del det i flere filer.", "Split it into several files."),
    ),
    Code.TOO_MANY_FRAMES: _both(
        "Billedet er en film med for mange billeder.",
        "The picture is a film of too many frames.",
        ("Send et enkelt billede.", "Send a single picture."),
    ),
}
OF_KIN: Final[Mapping[Kin, Texts]] = {
    Kin.PHONE_PHOTO: _both(
        "Billedet er af typen HEIC, som nogle telefoner bruger. Den tager vi ikke imod.",
        "The picture is of the kind HEIC, which some telephones use. That is not taken.",
        (
            "Tag et skærmbillede af det, eller vælg »mest kompatibel« i kameraets indstillinger, og send det som JPEG.",
            "Take a screenshot of it, or choose “most compatible” in the camera's settings, and send it as JPEG.",
        ),
    ),
    Kin.OFFICE: _both(
        "Filen er et dokument fra et tekstprogram eller et regneark.",
        "The file is a document of a word processor or a spreadsheet.",
        _PLAIN_PDF,
    ),
    Kin.OTHER_IMAGE: _both(
        "Billedet er af en type, som vi ikke tager imod.",
        "The picture is of a kind that is not taken.",
        ("Gem det som JPEG eller PNG og send det.", "Save it as JPEG or PNG and send that."),
    ),
    Kin.ARCHIVE: _both(
        "Filen er en pakket mappe.",
        "The file is a packed folder.",
        ("Pak den ud, og send hver fil for sig.", "Unpack it, and send each file by itself."),
    ),
    Kin.OTHER: OF_CODE[Code.TYPE_NOT_ACCEPTED],
}
RECALLED: Final = Texts(
    Text(
        "Filen er trukket tilbage: en nyere kontrol tyder på, at den indeholder virus.",
        "Kommunen har fået besked. Send dokumentet igen fra en anden enhed eller med almindelig post.",
    ),
    Text(
        "The file was recalled: a later check suggests that it is infected.",
        "The municipality was told. Send the document again from another device or by physical mail.",
    ),
)
