"""`python -m deploy.minio`: makes the buckets and accounts for documents at S3_ENDPOINT_URL, as its administrator.

Who that is (S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY) and each account's keys (UPLOADS_S3_ACCESS_KEY_ID, ...) come from the
environment, or from files: X_FILE names the one that holds X. CLEAN_RETENTION_DAYS is how long a document is locked (1826).
Running it again changes nothing; a changed secret is taken over, and the keys of former accounts are left for somebody to remove.
Exit code 69 when the store is not there, 78 for bad configuration.
"""

import sys

from minio.error import MinioAdminException, MinioException
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from urllib3.exceptions import HTTPError

from deploy.minio.buckets import ACCOUNTS, RETENTION_DAYS, Keys, Store, set_up
from plumbing.service.settings import BadConfiguration, load


class Settings(BaseSettings):
    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    s3_endpoint_url: str = Field(pattern="^https?://")
    s3_region: str = Field(min_length=1)
    s3_access_key_id: str = Field(min_length=3)
    s3_secret_access_key: SecretStr = Field(min_length=8)
    clean_retention_days: int = Field(RETENTION_DAYS, ge=1)
    uploads_s3_access_key_id: str = Field(min_length=3)
    uploads_s3_secret_access_key: SecretStr = Field(min_length=8)
    ksd_bridge_s3_access_key_id: str = Field(min_length=3)
    ksd_bridge_s3_secret_access_key: SecretStr = Field(min_length=8)
    eraser_s3_access_key_id: str = Field(min_length=3)
    eraser_s3_secret_access_key: SecretStr = Field(min_length=8)
    sweeper_s3_access_key_id: str = Field(min_length=3)
    sweeper_s3_secret_access_key: SecretStr = Field(min_length=8)

    @property
    def store(self) -> Store:
        return Store(endpoint=self.s3_endpoint_url, region=self.s3_region, keys=self._keys(""))

    @property
    def accounts(self) -> dict[str, Keys]:
        return {account: self._keys(f"{account}_") for account in ACCOUNTS}

    def _keys(self, prefix: str) -> Keys:
        secret: SecretStr = getattr(self, f"{prefix}s3_secret_access_key")
        return Keys(access_key=getattr(self, f"{prefix}s3_access_key_id"), secret_key=secret.get_secret_value())


def main() -> int:
    try:
        told = load(Settings)
    except BadConfiguration as error:
        print(f"buckets: bad configuration\n{error}", file=sys.stderr)
        return 78
    try:
        names = set_up(told.store, told.accounts, retention_days=told.clean_retention_days)
    except (HTTPError, OSError):
        print(f"buckets: no object store answers at {told.s3_endpoint_url}", file=sys.stderr)
        return 69
    except (MinioException, MinioAdminException) as error:
        print(f"buckets: {error}", file=sys.stderr)
        return 1
    print(f"buckets: {names.inbound} and {names.clean} are there, and may be used by {', '.join(told.accounts)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
