"""What a deployment tells the vault. A key or token that cannot be used stops the start; none is ever shown."""

from typing import Annotated, Final, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from plumbing.service import ServiceSettings
from services.citizens.domain.keyring import BadKey, Keyring, Lookups, read_keys
from services.citizens.domain.rights import BadTokens, Tokens

MOST_LOOKUP_KEYS: Final = 2
"""The one in use and, while it is being changed, the other one."""


def _tokens(secret: SecretStr) -> SecretStr:
    try:
        Tokens.parse(secret.get_secret_value())
    except BadTokens as error:
        raise ValueError(str(error)) from None
    return secret


def _keys(secret: SecretStr) -> SecretStr:
    try:
        read_keys(secret.get_secret_value())
    except BadKey as error:
        raise ValueError(str(error)) from None
    return secret


def _one_or_two_keys(secret: SecretStr) -> SecretStr:
    try:
        keys = read_keys(secret.get_secret_value())
    except BadKey as error:
        raise ValueError(str(error)) from None
    if len(keys) > MOST_LOOKUP_KEYS:
        raise ValueError(f"more than {MOST_LOOKUP_KEYS} keys")
    return secret


class Settings(ServiceSettings):
    """Environment of `citizens`."""

    http_host: str = Field("127.0.0.1", description="Where the vault answers.")
    http_port: int = Field(ge=0, le=65535, description="Port of the same.")
    service_tokens: Annotated[SecretStr, AfterValidator(_tokens)] = Field(
        description="Who may ask: intake=<token>,notifier=<token>,… of intake, tasks, uploads, notifier, ops; 32 characters each "
        "at least. A caller may stand twice, no more, while its token is being changed."
    )
    master_keys: Annotated[SecretStr, AfterValidator(_keys)] = Field(
        description="Master keys, base64 of 32 bytes each, separated by commas. The first wraps, all unwrap."
    )
    hmac_key: Annotated[SecretStr, AfterValidator(_one_or_two_keys)] = Field(
        description="Key under which CPR numbers are found, base64 of 32 bytes; two, separated by a comma, while it is being "
        "changed. The first is the one that `rekey` moves everybody to."
    )

    @model_validator(mode="after")
    def _each_key_has_one_use(self) -> Self:
        master_keys = read_keys(self.master_keys.get_secret_value())
        if any(key in master_keys for key in read_keys(self.hmac_key.get_secret_value())):
            raise ValueError("HMAC_KEY holds one of MASTER_KEYS: each key has one use")
        return self

    @property
    def tokens(self) -> Tokens:
        return Tokens.parse(self.service_tokens.get_secret_value())

    @property
    def keyring(self) -> Keyring:
        return Keyring(read_keys(self.master_keys.get_secret_value()))

    @property
    def lookups(self) -> Lookups:
        return Lookups(read_keys(self.hmac_key.get_secret_value()))
