"""What a deployment tells this service."""

from pathlib import Path
from typing import Literal

from pydantic import Field, PositiveInt, SecretStr

from plumbing.service.settings import KafkaSettings
from services.notifier.domain import DEFAULT_CODES, Limits, Remedy, Ways
from services.notifier.letters import Classification, MemoForm, PaperForm


class Settings(KafkaSettings):
    """Environment of `notifier`."""

    citizens_url: str = Field(description="Address of the vault.")
    citizens_token: SecretStr = Field(description="This service's token at the vault.")
    gateway_url: str = Field(description="Address of the public post gateway, up to and without `/service`.")
    gateway_dedupes: bool = Field(
        description="Whether the gateway recognises a message id it has seen; if not, no call of unknown outcome is repeated."
    )
    gateway_certificate: Path | None = Field(
        None, description="Client certificate with its key, PEM, where TLS asks for one."
    )
    gateway_seconds: float = Field(10.0, gt=0, description="How long a call may take.")
    http_host: str = Field("127.0.0.1", description="Where status messages are pushed to.")
    http_port: int = Field(ge=0, le=65535, description="Port of the same.")
    status_push_token: SecretStr = Field(
        min_length=16,
        description="Bearer token of the push; added by the proxy that has checked the client certificate.",
    )
    status_overdue_seconds: float = Field(
        86_400.0, gt=0, description="How long a status may take before a message is surfaced as unknown."
    )
    paper_overdue_seconds: float = Field(
        10 * 86_400.0, gt=0, description="The same for a letter on paper, which is printed and posted first."
    )
    paper_proof_status: Literal[
        "Afsendt", "Modtaget Fjern-print", "Afleveret til print og kuvertering", "Modtaget Post Danmark"
    ] = Field("Modtaget Post Danmark", description="The status that proves that a letter on paper was posted.")
    paper_return_codes: frozenset[str] = Field(
        frozenset(), description="Event codes by which the print house tells that a letter came back, as a JSON list."
    )
    fallback_pause_seconds: float = Field(
        600.0,
        ge=0,
        description="How long a letter waits before it goes on paper, for the gateway to contradict itself.",
    )
    gateway_codes: dict[str, Remedy] = Field(
        default_factory=dict,
        description="What follows from error codes beside those that are known, as JSON: notify, other_channel, once_more.",
    )
    guard_per_hour: int = Field(500, gt=0, description="Letters of one kind a municipality may ask for in an hour.")
    guard_per_day: int = Field(2_000, gt=0, description="The same on a day.")
    guard_country_per_hour: int = Field(
        10_000, gt=0, description="Letters of one kind asked for in an hour, everywhere."
    )
    guard_country_per_day: int = Field(30_000, gt=0, description="The same on a day.")
    guard_special: dict[str, tuple[PositiveInt, PositiveInt]] = Field(
        default_factory=dict, description="Other limits by municipality code, as JSON: [an hour, a day]."
    )
    portal_url: str = Field(
        "https://mitsygefravaer.example",
        pattern=r"^https://[^\s/]+(/\S*)?$",
        description="The citizen's way in, as letters print it.",
    )
    memo_version: Literal["1.1", "1.2"] = Field("1.2", description="Version of MeMo that messages are written in.")
    memo_kle: Classification | None = Field(
        None, description='KLE subject of messages, as JSON: {"key", "version", "facet", "label"}; left out without.'
    )
    memo_form_task: Classification | None = Field(
        None, description="FORM task of messages, in the same form; left out without."
    )
    memo_names_citizen: bool = Field(
        False, description="Whether a message's ContentData tells number and name of whom it is about."
    )
    paper_shipment_type: int | None = Field(
        None,
        gt=0,
        description="ForsendelseTypeIdentifikator agreed with the print house; without it nothing goes on paper.",
    )
    paper_recipient: Literal["window", "address"] = Field(
        "window",
        description="Where the print house finds name and address: in the envelope's window only, or as data as well.",
    )
    letter_concurrency: int = Field(
        128, ge=1, le=256, description="Letters in work at once, where the gateway recognises repeats."
    )
    letter_group: int = Field(
        64,
        ge=1,
        le=256,
        description="Letters written in one transaction, at most, where the gateway recognises repeats.",
    )
    letter_doubt: int = Field(
        8,
        ge=1,
        le=64,
        description="Letters in work at once where it does not, each written by itself: what a killed process leaves in doubt.",
    )
    letter_attempts: int = Field(1000, ge=1, description="Attempts before a letter's job is parked.")
    retry_first_seconds: float = Field(0.5, gt=0, description="Pause before the second attempt; each doubles.")
    retry_ceiling_seconds: float = Field(300.0, gt=0, description="Longest pause between attempts.")
    render_workers: int = Field(1, ge=1, le=16, description="Processes that set letters.")

    def memo_form(self) -> MemoForm:
        """How messages are written."""
        return MemoForm(
            version=self.memo_version,
            kle=self.memo_kle,
            form_task=self.memo_form_task,
            names_citizen=self.memo_names_citizen,
        )

    def paper_form(self) -> PaperForm | None:
        """How letters are handed to the print house; None where nothing is agreed with one."""
        if self.paper_shipment_type is None:
            return None
        return PaperForm(shipment_type=self.paper_shipment_type, recipient=self.paper_recipient)

    def ways(self) -> Ways:
        """Which channels there are, and what leads from one to the other."""
        return Ways(
            paper=self.paper_shipment_type is not None,
            paper_proof=self.paper_proof_status,
            return_codes=self.paper_return_codes,
            codes={**DEFAULT_CODES, **self.gateway_codes},
        )

    def limits(self) -> Limits:
        """How many letters are too many."""
        return Limits(
            hour=self.guard_per_hour,
            day=self.guard_per_day,
            country_hour=self.guard_country_per_hour,
            country_day=self.guard_country_per_day,
            special=self.guard_special,
        )

    @property
    def letters_at_once(self) -> int:
        """Letters in work at once."""
        return self.letter_concurrency if self.gateway_dedupes else min(self.letter_concurrency, self.letter_doubt)

    @property
    def letters_together(self) -> int:
        """Letters written in one transaction, at most."""
        return min(self.letter_group, self.letter_concurrency) if self.gateway_dedupes else 1
