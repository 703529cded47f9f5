"""What a deployment tells this service."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from contracts.citizen_token.v1 import BadKeys, Verifier
from contracts.uploads.v1 import AUDIENCE
from plumbing.objects import Account
from plumbing.service.settings import KafkaSettings, ServiceSettings
from services.uploads.domain.limits import MIB, Limits


def _keys(text: str) -> str:
    try:
        Verifier(text, audience=AUDIENCE)
    except BadKeys as error:
        raise ValueError(str(error)) from None
    return text


class StoreSettings(ServiceSettings):
    """Where the stores are."""

    s3_endpoint_url: str = Field(pattern=r"^https?://[^/\s]+$", description="Address of the object store.")
    s3_region: str = Field("us-east-1", min_length=1, description="Its region.")
    s3_access_key_id: str = Field(min_length=1, description="This account's name at the store.")
    s3_secret_access_key: SecretStr = Field(min_length=1, description="This account's secret at the store.")
    inbound_bucket: str = Field("mitsyg-inbound", description="Where what is not checked yet lies.")
    clean_bucket: str = Field("mitsyg-clean", description="Where documents lie.")

    def account(self) -> Account:
        return Account(
            endpoint=self.s3_endpoint_url,
            region=self.s3_region,
            access_key=self.s3_access_key_id,
            secret_key=self.s3_secret_access_key.get_secret_value(),
        )


class EraseSettings(StoreSettings):
    """Environment of `erase`: the account is the eraser's."""


class Settings(KafkaSettings, StoreSettings):
    """Environment of `uploads`."""

    http_host: str = Field("127.0.0.1", description="Where the portal asks.")
    http_port: int = Field(ge=0, le=65535, description="Port of the same.")
    citizens_url: str = Field(description="Address of the vault.")
    citizens_token: SecretStr = Field(description="This service's token at the vault.")
    citizen_token_keys: Annotated[str, AfterValidator(_keys)] = Field(
        description="The portal's public keys, as a JWK set: who may say for whom it asks."
    )
    clamd_host: str = Field(description="Where clamd listens.")
    clamd_port: int = Field(3310, ge=1, le=65535)
    clamd_at_once: int = Field(4, ge=1, le=64, description="Scans at once, clamd's MaxThreads at most.")
    clamd_seconds: float = Field(
        90.0, gt=0, description="How long a scan may take; longer than clamd's own MaxScanTime, or the two race."
    )
    canary_signature: str = Field(
        min_length=16,
        description="Text that the scanner must find at the end of a file: a signature of the deployment's own.",
    )
    local_signatures: bool = Field(
        False, description="True only in demonstrations and tests: a scanner without a signature database is accepted."
    )
    stale_signature_days: float = Field(7.0, gt=0, description="Older signatures take the scanner out of service.")
    file_mib: int = Field(20, ge=1, le=100, description="Largest file in MiB; the scanner has to scan as much.")
    files_at_once: int = Field(6, ge=1, le=100, description="Files of one citizen that come in at once.")
    day_mib: int = Field(100, ge=1, description="MiB of one citizen on one day.")
    idle_seconds: float = Field(30.0, gt=0, description="How long nothing may come in before an upload is given up.")
    upload_seconds: float = Field(1800.0, gt=0, description="How long a whole upload may take.")
    verdict_seconds: float = Field(
        15.0, gt=0, description="How long an answer waits for the check before it says 'later'."
    )
    look_seconds: float = Field(8.0, gt=0, description="How long a structural look may take.")
    looks_at_once: int = Field(2, ge=1, le=32, description="Structural looks at once.")
    checks_at_once: int = Field(
        2, ge=1, le=32, description="Files looked at again at once, after their check was put off."
    )
    scan_again_seconds: float = Field(
        60.0, gt=0, description="How often stored documents with older verdicts are looked for."
    )
    sweep_seconds: float = Field(60.0, gt=0, description="How often what got stuck is looked for.")
    stray_seconds: float = Field(
        7200.0, gt=0, description="After how long a file that never came in whole is forgotten."
    )
    spool_directory: Path = Field(Path("/tmp"), description="Where files without a name come in; of limited size.")  # noqa: S108

    @model_validator(mode="after")
    def _strays_outlive_uploads(self) -> Self:
        if self.stray_seconds <= self.upload_seconds + self.verdict_seconds:
            raise ValueError("STRAY_SECONDS is not longer than an upload may take")
        return self

    def limits(self) -> Limits:
        """How much of what is taken."""
        return Limits(file_bytes=self.file_mib * MIB, day_bytes=self.day_mib * MIB)
