"""The buckets for documents and the accounts that may use them, made on MinIO: `python -m deploy.minio`; the stack uses the same
code."""

from deploy.minio.buckets import ACCOUNTS, CLEAN, INBOUND, RETENTION_DAYS, BucketNames, Keys, Store, set_up
from deploy.minio.policies import policy

__all__ = [
    "ACCOUNTS",
    "CLEAN",
    "INBOUND",
    "RETENTION_DAYS",
    "BucketNames",
    "Keys",
    "Store",
    "policy",
    "set_up",
]
