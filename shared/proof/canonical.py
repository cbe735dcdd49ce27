"""Canonical JSON (RFC 8785) of I-JSON values without fractions, and the hashes made of it.

The contracts have no floats, so the standard library's C encoder with sorted keys writes exactly what RFC 8785
requires: the same escapes, and for ASCII keys the same order. Other values are refused, never rounded. A property test
compares with the `rfc8785` package.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from shared.contracts.values import I_JSON_MAX

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")).encode

Json = dict[str, "Json"] | list["Json"] | tuple["Json", ...] | str | int | bool | None


class NotCanonicalError(ValueError):
    """The value has a fraction, an integer above 2^53, a key outside ASCII or a lone surrogate."""

    code = "not-canonical"


def canonical_json(value: Any) -> bytes:
    """The canonical bytes of a JSON value that passed a contract; for others see `checked_canonical_json`.

    Raises NotCanonicalError.
    """
    try:
        return _encode(value).encode()
    except UnicodeEncodeError as error:
        raise NotCanonicalError("a lone surrogate has no UTF-8 form") from error


def checked_canonical_json(value: Any) -> bytes:
    """The same for values from elsewhere (YAML files, foreign messages). Raises NotCanonicalError if not I-JSON."""
    _check(value, "")
    return canonical_json(value)


def _check(value: Any, pointer: str) -> None:
    match value:
        case bool() | None | str():
            return
        case int():
            if abs(value) > I_JSON_MAX:
                raise NotCanonicalError(f"{pointer or '/'}: {value} is above 2^53 - 1")
        case dict():
            for key, item in value.items():
                if not (isinstance(key, str) and key.isascii()):
                    raise NotCanonicalError(f"{pointer or '/'}: key {key!r} is not ASCII text")
                _check(item, f"{pointer}/{key}")
        case list() | tuple():
            for index, item in enumerate(value):
                _check(item, f"{pointer}/{index}")
        case _:
            raise NotCanonicalError(f"{pointer or '/'}: {type(value).__name__} has no canonical form")


def sha256_hex(data: bytes) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(data).hexdigest()


def json_hash(value: Any) -> str:
    """SHA-256 in hex of the canonical JSON."""
    return sha256_hex(canonical_json(value))


def payload_hash(nonce: str, facts: Any) -> str:
    """SHA-256(nonce ‖ canonical JSON of the facts). `facts` is the JSON as sent, not a parsed model: a reader that does
    not know a new field must still hash it."""
    return payload_hash_of(nonce, canonical_json(facts))


def findings_hash(verdict: Mapping[str, Any]) -> str:
    """The findings hash of an `ApplicationJudged` as JSON; it covers the nonce if there is one."""
    names = ("as_of", "findings", "nonce", "policy_hash")
    return json_hash({name: verdict[name] for name in names if verdict.get(name) is not None})


def payload_hash_of(nonce: str, canonical_facts: bytes) -> str:
    """`payload_hash` of facts that are canonical JSON already."""
    return sha256_hex(bytes.fromhex(nonce) + canonical_facts)
