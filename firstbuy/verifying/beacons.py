"""Signatures of drand beacons in a round's evidence, held against their chain's announced key. The verifier of one file
can't: that takes curves, which Python's standard library has not."""

import json
from collections.abc import Mapping
from typing import IO, Any

from firstbuy.verifying.findings import Findings
from shared.proof.beacon import ChainKey, UnusableKeyError


def examine_beacons(found: Findings, source: IO[bytes]) -> None:
    """Of a bundle that was read and found whole. What it checks is taken from `not_checked`."""
    chains: dict[str, Mapping[str, Any]] = {}
    for line in source:
        record = json.loads(line)
        if record.get("type") == "pledges":
            return
        body = record.get("body", {})
        if record.get("event") == "RoundOpened":
            chains = {
                source["source"]: source
                for source in body["sources"]
                if source["kind"] == "drand" and source.get("public_key")
            }
        elif record.get("event") == "SourceValueRecorded" and body["source"] in chains:
            examine_beacon(found, chains[body["source"]], body)


def examine_beacon(found: Findings, chain: Mapping[str, Any], value: Mapping[str, Any]) -> None:
    """`value`: what was recorded of it."""
    number = value["beacon_round"]
    try:
        right = ChainKey.of(chain["public_key"], chain.get("scheme")).signed(number, value["signature"] or "")
    except UnusableKeyError as error:
        found.not_checked.append(f"the signature of drand round {number}: {error}")
        return
    unchecked = f"the signature itself (BLS): round {number} of chain {chain['chain_hash']} "
    found.not_checked[:] = [line for line in found.not_checked if not line.startswith(unchecked)]
    found.say(
        right,
        f"the announced key of chain {chain['chain_hash']} signed drand round {number} (BLS)",
        f"the announced key of chain {chain['chain_hash']} did not sign drand round {number} (BLS)",
    )
