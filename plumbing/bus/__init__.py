"""Kafka in and out: records as they are, batch subscriptions that lose nothing, the producer that the outbox uses."""

from plumbing.bus.broker import BusSettings, make_broker, start_producer, start_whole
from plumbing.bus.records import Record
from plumbing.bus.subscription import Subscription

__all__ = ["BusSettings", "Record", "Subscription", "make_broker", "start_producer", "start_whole"]
