"""What a deployment tells the vault. A key or token that cannot be used stops the start; none is ever shown."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from plumbing.service import ServiceSettings
from services.citizens.domain.keyring import BadKey, Keyring, Lookup, read_key, read_keys
from services.citizens.domain.rights import BadTokens, Tokens


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


def _key(secret: SecretStr) -> SecretStr:
    try:
        read_key(secret.get_secret_value())
    except BadKey as error:
        raise ValueError(str(error)) from None
    return secret


class Settings(ServiceSettings):
    """Environment of `citizens`."""

    http_host: str = Field("127.0.0.1", description="Where the vault answers.")
    http_port: int = Field(ge=0, le=65535, description="Port of the same.")
    service_tokens: Annotated[SecretStr, AfterValidator(_tokens)] = Field(
        description="Who may ask: intake=<token>,notifier=<token>,… of intake, tasks, notifier, ops; 32 characters each "
        "at least. A caller may stand twice while its token is being changed."
    )
    master_keys: Annotated[SecretStr, AfterValidator(_keys)] = Field(
        description="Master keys, base64 of 32 bytes each, separated by commas. The first wraps, all unwrap."
    )
    hmac_key: Annotated[SecretStr, AfterValidator(_key)] = Field(
        description="Key under which CPR numbers are found, base64 of 32 bytes. It cannot be changed."
    )

    @model_validator(mode="after")
    def _each_key_has_one_use(self) -> Self:
        if read_key(self.hmac_key.get_secret_value()) in read_keys(self.master_keys.get_secret_value()):
            raise ValueError("HMAC_KEY is one of MASTER_KEYS: each key has one use")
        return self

    @property
    def tokens(self) -> Tokens:
        return Tokens.parse(self.service_tokens.get_secret_value())

    @property
    def keyring(self) -> Keyring:
        return Keyring(read_keys(self.master_keys.get_secret_value()))

    @property
    def lookup(self) -> Lookup:
        return Lookup(read_key(self.hmac_key.get_secret_value()))
