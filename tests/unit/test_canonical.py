"""Canonical JSON against the reference implementation, and what has no canonical form."""

import hashlib
import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from shared.proof.canonical import NotCanonicalError, canonical_json, checked_canonical_json, json_hash, payload_hash

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
INTEGERS = st.integers(-(2**53) + 1, 2**53 - 1)
KEYS = st.text(st.characters(max_codepoint=0x7F), max_size=10)
VALUES = st.recursive(
    st.none() | st.booleans() | INTEGERS | TEXT,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=25,
)


@given(VALUES)
def test_it_is_the_bytes_of_rfc_8785(value: Any) -> None:
    assert canonical_json(value) == checked_canonical_json(value) == rfc8785.dumps(value)


@given(VALUES)
def test_reading_it_back_gives_the_value(value: Any) -> None:
    assert json.loads(canonical_json(value)) == value


@given(st.dictionaries(KEYS, VALUES, max_size=6), st.randoms(use_true_random=False))
def test_the_order_of_keys_does_not_count(value: dict[str, Any], random: Any) -> None:
    items = list(value.items())
    random.shuffle(items)
    assert json_hash(dict(items)) == json_hash(value)


def test_characters_are_escaped_as_the_rfc_shows() -> None:
    value = {"€": 1, "string": '€$\u000f\nA\'B"\\\\"/'}
    assert canonical_json(value["string"]) == b'"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"'


@pytest.mark.parametrize(
    "value", [1.5, 2**53, -(2**53), {"한": 1}, {"a": [1, {"b": 0.1}]}, {1: 2}, b"bytes", {"a": float("nan")}]
)
def test_what_i_json_does_not_hold_is_refused(value: Any) -> None:
    with pytest.raises(NotCanonicalError):
        checked_canonical_json(value)


@pytest.mark.parametrize("value", ["\ud800", {"a": ["x\udfff"]}])
def test_a_lone_surrogate_is_refused(value: Any) -> None:
    with pytest.raises(NotCanonicalError, match="lone surrogate"):
        canonical_json(value)


def test_a_payload_hash_is_over_the_nonce_and_the_facts() -> None:
    nonce = "00" * 15 + "ff"
    told = bytes(15) + b'\xff{"a":[1,"\xed\x95\x9c"],"b":null}'
    assert payload_hash(nonce, {"b": None, "a": [1, "한"]}) == hashlib.sha256(told).hexdigest()
