"""What the servers are told, wherever they run: the limits of production, and what makes tests quick without changing meaning."""

from types import MappingProxyType
from typing import Final

from stack.paths import ROOT

BROKER = MappingProxyType(
    {
        # topics are those that were declared
        "auto.create.topics.enable": "false",
        "num.partitions": "6",
        # one node: nothing can be replicated
        "default.replication.factor": "1",
        "min.insync.replicas": "1",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "10",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "4",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        # groups settle at once, and a test may have a session end within a second
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        # a killed broker may register anew only when its old session is over
        "broker.session.timeout.ms": "3000",
        "broker.heartbeat.interval.ms": "500",
        # 128 MB for the log cleaner and 10 MB per index file are meant for large nodes
        "log.cleaner.dedupe.buffer.size": "8388608",
        "log.index.size.max.bytes": "1048576",
        "num.network.threads": "2",
        "num.io.threads": "4",
    }
)

POSTGRES = MappingProxyType(
    {
        # everything that makes a commit durable is PostgreSQL's default and stays so
        "password_encryption": "scram-sha-256",
        "max_connections": "200",
        # room for the index pages that a year's notifications land on, each at a place of its own; taken only when it is used
        "shared_buffers": "512MB",
        "max_wal_size": "2GB",
        "timezone": "UTC",
        "log_timezone": "UTC",
        # an error's text, its statement, parameters and row may hold what must not stand in a log; the services hear of it
        "log_min_messages": "fatal",
        "log_statement": "none",
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
        "log_parameter_max_length_on_error": "0",
    }
)

CLAMD_CONF: Final = ROOT / "deploy" / "clamav" / "clamd.conf"
"""What every clamd here is told, in containers as it stands, natively but for addresses and directories."""
SIGNATURES: Final = ROOT / "deploy" / "clamav" / "signatures"
"""All that a clamd of ours finds: TEST_SIGNATURE anywhere, and at a file's start the test file that scanners agree on (EICAR)."""
TEST_SIGNATURE: Final = b"MITSYG-TEST-SIGNATURE-7f3a9c51d2e84b06-NOT-A-VIRUS"
TEST_SIGNATURE_NAME: Final = "MitSyg.Test.UNOFFICIAL"
"""Signatures that nobody has signed are called unofficial."""

S3_REGION: Final = "eu-north-1"
"""Not the one that clients take where they are told none: whoever forgets to pass it on fails here too."""

OBJECT_STORE = MappingProxyType(
    {
        "MINIO_SITE_REGION": S3_REGION,
        # nobody's browser, and no asking for updates
        "MINIO_BROWSER": "off",
        "MINIO_UPDATE": "off",
        # whatever a client asks for, what is stored is encrypted, with the key of MINIO_KMS_SECRET_KEY
        "MINIO_KMS_AUTO_ENCRYPTION": "on",
        # by itself it would take as many requests at once as it has memory for
        "MINIO_API_REQUESTS_MAX": "64",
        "MINIO_API_REQUESTS_DEADLINE": "10s",
        # uploads in pieces that nobody went on with
        "MINIO_API_STALE_UPLOADS_EXPIRY": "24h",
        "MINIO_API_STALE_UPLOADS_CLEANUP_INTERVAL": "6h",
    }
)
