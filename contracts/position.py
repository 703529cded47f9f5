"""Where a record stood in Kafka."""

from typing import Annotated

from pydantic import Field
from typing_extensions import override

from contracts.events import Part


class Position(Part):
    topic: Annotated[str, Field(min_length=1, max_length=249)]
    partition: Annotated[int, Field(ge=0)]
    offset: Annotated[int, Field(ge=0)]

    @override
    def __str__(self) -> str:
        return f"{self.topic}:{self.partition}:{self.offset}"
