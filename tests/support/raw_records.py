"""Records as no client of ours would make them, put before a broker as they are."""

import struct

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder
from aiokafka.record.util import calc_crc32c

from shared.service.settings import KafkaSettings

Raw = tuple[bytes | None, list[tuple[str, bytes]]]
"""A value and headers; `XX` in a header's name becomes two bytes that are no UTF-8."""
CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}


def raw_batch(codec: str, *records: Raw) -> bytes:
    builder = DefaultRecordBatchBuilder(
        magic=2,
        compression_type=CODECS[codec],
        is_transactional=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=1 << 28,
    )
    for number, (value, headers) in enumerate(records):
        assert builder.append(number, 1000 + number, b"k", value, headers)
    return sealed(bytes(builder.build()).replace(b"XX", b"\xff\xfe"))


def sealed(made: bytes, *, base: int = 0) -> bytes:
    """With the checksum of what it is by now, as a broker stores it."""
    told = bytearray(made)
    told[:8] = struct.pack(">q", base)
    told[17:21] = struct.pack(">I", calc_crc32c(bytes(told[21:])))
    return bytes(told)


async def produce_raw(kafka: KafkaSettings, topic: str, batch: bytes) -> None:
    producer = AIOKafkaProducer(**kafka.client_arguments())
    await producer.start()
    try:
        await producer.partitions_for(topic)
        leader = producer.client.cluster.leader_for_partition(TopicPartition(topic, 0))
        request = ProduceRequest(None, -1, 10_000, [(topic, [(0, batch)])])
        answer = await producer.client.send(leader, request)
    finally:
        await producer.stop()
    (_, ((_, code, *_),)), *_ = answer.topics
    assert code == 0, "the broker takes it"
