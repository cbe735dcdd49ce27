"""Sets how many bytes a second a user may produce per broker. Beyond that, the broker delays only that user's answers.

Neither aiokafka nor librdkafka has the request, so its frames are defined here (KIP-546, version 0).
"""

from collections.abc import Mapping
from typing import Final

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import for_code
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Float64, Int16, Int32, Schema, String

from shared.service.settings import KafkaSettings

AT_ONCE: Final = 500
_RATE: Final = "producer_byte_rate"


class QuotaRefusedError(RuntimeError):
    """A broker refused a quota; the message has its reason."""

    code = "kafka-quota-refused"


_ENTITY: Final = ("entity", Array(("entity_type", String("utf-8")), ("entity_name", String("utf-8"))))


class _Altered(Response):  # type: ignore[misc]
    API_KEY = 49
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        ("entries", Array(("error_code", Int16), ("error_message", String("utf-8")), _ENTITY)),
    )


class _AlterV0(RequestStruct):  # type: ignore[misc]
    API_KEY = 49
    API_VERSION = 0
    RESPONSE_TYPE = _Altered
    SCHEMA = Schema(
        (
            "entries",
            Array(_ENTITY, ("ops", Array(("key", String("utf-8")), ("value", Float64), ("remove", Boolean)))),
        ),
        ("validate_only", Boolean),
    )


class _Alter(Request[_AlterV0]):  # type: ignore[misc]
    API_KEY = 49

    def __init__(self, rates: Mapping[str, int | None]) -> None:
        self._rates = rates

    def build(self, request_struct_class: type[_AlterV0]) -> _AlterV0:
        entries = [
            ([("user", user)], [(_RATE, float(rate or 0), rate is None)]) for user, rate in sorted(self._rates.items())
        ]
        return request_struct_class(entries, False)


async def set_produce_quotas(kafka: KafkaSettings, rates: Mapping[str, int | None]) -> None:
    """Sets bytes a second by user; None removes the quota. Raises QuotaRefusedError."""
    admin = AIOKafkaAdminClient(**kafka.client_arguments())
    try:
        await admin.start()
        users = sorted(rates)
        for start in range(0, len(users), AT_ONCE):
            some = {user: rates[user] for user in users[start : start + AT_ONCE]}
            answer = await admin._send_to_controller(_Alter(some))
            for code, message, entity in answer.entries:
                if code:
                    raise QuotaRefusedError(
                        f"quota of {entity[0][1]}: {for_code(code).__name__} {message or ''}".rstrip()
                    )
    finally:
        await admin.close()
