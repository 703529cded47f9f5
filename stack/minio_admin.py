"""What the stack asks of an object store: is it there?"""

from minio.error import MinioException
from urllib3 import PoolManager, Retry, Timeout
from urllib3.exceptions import HTTPError

from deploy.minio import Store
from stack.processes import answers_ok


def is_store_ready(store: Store) -> bool:
    """Whether it is healthy and knows its administrator. It says of itself that it is ready before it has loaded its accounts."""
    if not answers_ok(f"{store.endpoint}/minio/health/ready"):
        return False
    http = PoolManager(timeout=Timeout(5), retries=Retry(0))
    try:
        store.client(http).list_buckets()
    except (MinioException, HTTPError, OSError):
        return False
    finally:
        http.clear()
    return True
