"""The vault, as `tasks` sees it: only the month's key for dead letters."""

from contracts.citizens import v1
from contracts.citizens.client import VaultClient, VaultUnavailable
from plumbing.dead_letters import KeyDestroyed, MonthKey
from plumbing.errors import Unavailable


class Vault:
    """Fetches keys; raises Unavailable while the vault is away."""

    def __init__(self, client: VaultClient) -> None:
        self._client = client

    async def month_key(self, month: str) -> MonthKey:
        """This month's key for dead letters."""
        try:
            answer = await self._client.month_key("dead-letter", month)
        except VaultUnavailable as error:
            raise Unavailable("citizens", error.reason) from None
        if not isinstance(answer, v1.MonthKey):
            raise KeyDestroyed("citizens", "the month's key is destroyed")
        return MonthKey(key_id=answer.key_id, key=answer.key)
