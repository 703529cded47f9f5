"""What a deployment tells this service."""

import base64
import binascii
from hashlib import blake2b

from pydantic import Field, SecretStr, field_validator

from plumbing.service.settings import KafkaSettings


class Settings(KafkaSettings):
    """Environment of `intake`."""

    citizens_url: str = Field(description="Address of the vault.")
    citizens_token: SecretStr = Field(description="This service's token at the vault.")
    fingerprint_key: SecretStr = Field(
        description="Base64 of 32 to 64 bytes; never changes: messages are told apart by hashes under it."
    )
    accept_test_cpr: bool = Field(False, description="Take replacement and test CPR numbers (day + 60).")

    # Its name and address wait at the vault for 90 days, and would not be there when it joins later.
    waiting_days: int = Field(
        60, ge=1, le=85, description="Days that an attachment waits for its absence before it is given to operations."
    )

    sweep_seconds: float = Field(5.0, ge=0.1, le=3600, description="How often those that wait in vain are looked for.")

    @field_validator("fingerprint_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr) -> SecretStr:
        try:
            key = base64.b64decode(value.get_secret_value(), validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("is not base64") from None
        if len(key) < 32:
            raise ValueError("is shorter than 32 bytes")
        if len(key) > blake2b.MAX_KEY_SIZE:
            raise ValueError(f"is longer than {blake2b.MAX_KEY_SIZE} bytes")
        return value

    @property
    def fingerprint_key_bytes(self) -> bytes:
        return base64.b64decode(self.fingerprint_key.get_secret_value())
