"""What a deployment tells this service."""

from pydantic import Field, SecretStr

from plumbing.service.settings import KafkaSettings


class Settings(KafkaSettings):
    """Environment of `tasks`."""

    citizens_url: str = Field(description="Address of the vault.")
    citizens_token: SecretStr = Field(description="This service's token at the vault.")
