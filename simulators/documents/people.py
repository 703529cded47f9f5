"""Whose absences there are: read from the topic that tells of them, as the portal knows them."""

import asyncio
import json
from typing import Final
from uuid import UUID

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from contracts.topics import ABSENCE

_AGAIN_SECONDS: Final = 1.0


class Absences:
    """`known` grows while `follow` runs: an absence's id and its citizen's, in the order in which they were told of."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._seen: set[UUID] = set()
        self.known: list[tuple[UUID, UUID]] = []

    async def follow(self) -> None:
        """Until cancelled; a broker that is away is waited for."""
        while True:
            consumer = AIOKafkaConsumer(
                ABSENCE.name,
                bootstrap_servers=self._bootstrap_servers,
                auto_offset_reset="earliest",
                enable_auto_commit=False,
            )
            try:
                await consumer.start()
                async for record in consumer:
                    self._learn(record.value)
            except KafkaError:
                await asyncio.sleep(_AGAIN_SECONDS)
            finally:
                await consumer.stop()

    def _learn(self, value: bytes | None) -> None:
        try:
            told = json.loads(value or b"")
            absence_id, citizen_id = UUID(told["absence_id"]), UUID(told["citizen_id"])
        except (ValueError, TypeError, KeyError):
            return  # whether an event is one is for others to judge
        if absence_id not in self._seen:
            self._seen.add(absence_id)
            self.known.append((absence_id, citizen_id))
