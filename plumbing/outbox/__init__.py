"""The outbox: what a transaction announces is written in that transaction and produced to Kafka afterwards, by one relay."""

from plumbing.outbox.relay import Relay
from plumbing.outbox.store import MAX_MESSAGE_BYTES, SCHEMA, Outgoing, Oversized, put

__all__ = ["MAX_MESSAGE_BYTES", "SCHEMA", "Outgoing", "Oversized", "Relay", "put"]
