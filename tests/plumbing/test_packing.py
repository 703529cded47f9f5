"""What is sent is compressed at the level that is told here, and comes back as it was."""

import cramjam
from aiokafka.record.default_records import DefaultRecordBatch, DefaultRecordBatchBuilder

from plumbing.bus import packing, start_producer
from plumbing.bus.unpacking import unpack

_LZ4 = 3
_HEADER_BYTES = 61
_VALUES = [b'{"task_id":"%d","kind":"information_form"}' % nth for nth in range(500)]


def _batch() -> bytes:
    builder = DefaultRecordBatchBuilder(2, _LZ4, 0, -1, -1, -1, 1_000_000)
    for nth, value in enumerate(_VALUES):
        builder.append(nth, 0, b"key", value, [])
    return bytes(builder.build())


def test_producers_of_this_process_compress_lightly() -> None:
    assert callable(start_producer)  # importing it is enough
    batch = _batch()

    packed = cramjam.lz4.Compressor(level=packing.LEVEL, content_checksum=False, block_linked=False)
    packed.compress(unpack(batch).raw[_HEADER_BYTES:])
    assert batch[_HEADER_BYTES:] == bytes(packed.finish())


def test_what_was_compressed_lightly_is_read_as_ever() -> None:
    assert [record.value for record in DefaultRecordBatch(_batch())] == _VALUES
