"""Records of one key stay together, wherever in the world they are produced."""

from plumbing.bus.partitioning import by_crc32


def test_a_key_goes_where_librdkafka_puts_it() -> None:
    # CRC-32 (IEEE 802.3) of "123456789" is 0xCBF43926, the algorithm's published check value.
    assert by_crc32(b"123456789", range(7), ()) == 0xCBF43926 % 7


def test_a_key_goes_to_one_partition_whichever_are_available() -> None:
    assert {by_crc32(b"absence", range(6), available) for available in ((), (0,), (3, 4))} == {
        by_crc32(b"absence", range(6), ())
    }


def test_keys_are_spread_over_all_partitions() -> None:
    hits = [0] * 6
    for number in range(6_000):
        hits[by_crc32(str(number).encode(), range(6), ())] += 1
    assert min(hits) > 800


def test_a_record_without_key_goes_where_it_can_be_taken() -> None:
    assert by_crc32(None, range(6), (4,)) == 4
