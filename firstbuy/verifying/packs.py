"""A product's pack: every hash in it made again, every path followed, the draw key drawn, the signature checked."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from cryptography.x509 import Certificate
from pydantic import TypeAdapter

from firstbuy.verifying.findings import Findings
from firstbuy.verifying.pack_life import examine_life
from firstbuy.verifying.pack_roots import (
    commitment_of,
    examine_commitments,
    examine_draw,
    examine_proofs,
    examine_release,
)
from firstbuy.verifying.receipts import published_key
from firstbuy.verifying.shapes import shape_fault
from services.eligibility.domain.judge import outcome_of, waived_rules
from services.selection.domain.legal_note import LEGAL_NOTE, LIMITS
from services.selection.domain.pack_words import findings_in_words, waivers_of
from services.selection.domain.packs import FORMAT
from services.selection.domain.tickets import ticket_grounds, tickets
from services.selection.verify import two_officers
from shared.contracts.events import Language
from shared.contracts.facts import SupplyRecord
from shared.contracts.findings import Finding, FindingOutcome
from shared.contracts.policy import POLICY
from shared.proof.canonical import checked_canonical_json, findings_hash, json_hash, payload_hash
from shared.proof.signing import ALGORITHM, PublicKey, verified

Pack = Mapping[str, Any]
_FINDINGS: Final = TypeAdapter(tuple[Finding, ...])
_RECORD: Final = TypeAdapter(SupplyRecord | None)


def examined_pack(
    pack: Any,
    keys: Sequence[Mapping[str, Any]] | None = None,
    held: Mapping[str, str] | None = None,
    roots: Sequence[Certificate] | None = None,
) -> Findings:
    """`keys`: as selection publishes them; `held`: roots of the reader's own by name, commitment, selection or batch;
    `roots`: of the time-stamp authority."""
    found = Findings()
    if not isinstance(pack, dict) or pack.get("pack") != FORMAT:
        found.differs.append(f"no pack: its member `pack` is not {FORMAT}")
        return found
    fault = shape_fault("Pack", pack)
    if fault is not None:
        found.differs.append(f"shape: {fault}")
        return found
    checks: tuple[tuple[str, Callable[[], None]], ...] = (
        ("signed", lambda: _signature(found, pack, keys)),
        ("policy", lambda: _policy(found, pack)),
        ("application", lambda: _application(found, pack)),
        ("verdict", lambda: _verdict(found, pack)),
        ("entry", lambda: _entry(found, pack)),
        ("commitments", lambda: examine_commitments(found, pack, roots)),
        ("draw", lambda: examine_draw(found, pack)),
        ("proofs", lambda: examine_proofs(found, pack)),
        ("release", lambda: examine_release(found, pack)),
        ("result", lambda: _result(found, pack)),
        ("confirmation", lambda: _confirmation(found, pack)),
        ("life", lambda: examine_life(found, pack)),
        ("roots", lambda: _held(found, pack, held or {})),
        ("words", lambda: _words(found, pack)),
    )
    for name, check in checks:
        try:
            check()
        except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError) as error:
            found.differs.append(f"{name}: it can't be read: {type(error).__name__} {error}")
    found.not_checked += [
        "that no later result superseded it: ask for the newest pack",
        "every other application and the matching: `firstbuy verify evidence` computes the whole round again",
        "that what the firm stated is true, and that the source gave this value: see where it is published",
    ]
    return found


def _signature(found: Findings, pack: Pack, keys: Sequence[Mapping[str, Any]] | None) -> None:
    signed = pack["signed"]
    key = PublicKey(signed["public_key"])
    stated = {name: value for name, value in pack.items() if name != "signed"}
    right = signed["algorithm"] == ALGORITHM and signed["key_id"] == key.key_id
    found.say(
        right and verified(stated, signed["signature"], key.public),
        f"everything in it is as key {key.key_id} signed it",
        f"signed: key {key.key_id} did not sign it as it stands here",
    )
    if keys is None:
        found.not_checked.append(
            f"whose key that is: selection's /.well-known/firstbuy-keys must have the fingerprint {key.fingerprint}"
            " (--keys)"
        )
    else:
        known = published_key(key.key_id, keys)
        found.say(
            known is not None and known.public == key.public,
            f"key {key.key_id} is published",
            f"signed: no published {ALGORITHM} key is {key.public}",
        )


def _policy(found: Findings, pack: Pack) -> None:
    made = json_hash(pack["policy"])
    stated = {
        pack["round"]["policy_hash"],
        pack["verdict"]["policy_hash"],
        *(commitment["policy_hash"] for commitment in pack["commitments"]),
    }
    found.say(
        stated == {made},
        f"the policy is the one opened, judged by and committed: {made}",
        f"policy: its hash is {made}, stated are {', '.join(sorted(map(str, stated)))}",
    )


def _application(found: Findings, pack: Pack) -> None:
    stated = pack["application"]
    if stated["nonce"] is None:
        found.not_checked.append("that payload_hash is of the facts: it has no nonce")
        return
    checked_canonical_json(stated["facts"])
    found.say(
        payload_hash(stated["nonce"], stated["facts"]) == stated["payload_hash"],
        "payload_hash is SHA-256 of the nonce and the facts: this product of this firm",
        "application: payload_hash is not of these facts",
    )


def _verdict(found: Findings, pack: Pack) -> None:
    verdict, facts = pack["verdict"], pack["application"]["facts"]
    salted = verdict | {"nonce": pack["application"]["nonce"]}  # of verdicts from before there was one it is in no hash
    found.say(
        verdict["findings_hash"] in (findings_hash(salted), findings_hash(verdict))
        and verdict["as_of"] == pack["policy"]["as_of"],
        "findings_hash is of these findings, by the policy's day",
        "verdict: findings_hash is not of these findings, policy and day",
    )
    policy = POLICY.validate_python(pack["policy"], strict=False)
    track = {candidate.track: candidate for candidate in policy.tracks}[facts["track"]]
    findings = _FINDINGS.validate_python(verdict["findings"])
    asked = [(condition.rule, condition.legal_source, condition.decides) for condition in track.conditions]
    waived = {finding.rule for finding in findings if finding.outcome is FindingOutcome.WAIVED}
    may_be = waived_rules({finding.rule: finding.outcome for finding in findings}, track.waivers)
    outcome = outcome_of(finding.outcome for finding in findings if finding.decides)
    found.say(
        asked == [(finding.rule, finding.legal_source, finding.decides) for finding in findings]
        and waived == may_be
        and outcome.value == verdict["outcome"] == "eligible",
        f"its track's {len(findings)} rules were asked, and what they found makes it eligible",
        "verdict: these findings do not make it eligible under the policy",
    )
    if verdict["evidence"]:
        found.not_checked.append("what registries said: it stands on registry-answers.v1")


def _entry(found: Findings, pack: Pack) -> None:
    entry, policy = pack["entry"], POLICY.validate_python(pack["policy"], strict=False)
    record = _RECORD.validate_python(pack["application"]["facts"]["applicant"].get("supply_record"))
    count = tickets(ticket_grounds(_FINDINGS.validate_python(pack["verdict"]["findings"]), record), policy)
    fewer = pack["epoch"] > 1 and entry["tickets"] < count
    found.say(
        type(entry["tickets"]) is int and (entry["tickets"] == count or fewer),
        f"the policy's steps give it {count} tickets"
        + (f"; committed before were {entry['tickets']}" if fewer else ""),
        f"entry: the policy's steps give it {count} tickets, not {entry['tickets']}",
    )
    if entry["score"] is not None:
        found.not_checked.append(f"its score of {entry['score']}: the auditor's depth of the evidence has the marks")


def _result(found: Findings, pack: Pack) -> None:
    result, product = pack["result"], pack["application"]["facts"]["product"]
    price = product["price_won"]
    wrong = [award["request"] for award in result["awards"] if award["amount_won"] != award["quantity"] * price]
    units = sum(award["quantity"] for award in result["awards"])
    stands = 1 <= result["position"] <= result["standing"] <= pack["round"]["applications"]
    found.say(
        result["result"] == "selected" and stands and not wrong and 0 < units <= product["capacity"],
        f"selected at {result['position']} of {result['standing']}: {units} units at its own price",
        f"result: not a selection of this product at its price and capacity {', '.join(wrong)}".rstrip(),
    )
    newer = pack["superseded_by"]
    if newer is not None:
        found.checked.append(f"it says itself that epoch {newer['epoch']} superseded it: {newer['result'] or 'gone'}")


def _confirmation(found: Findings, pack: Pack) -> None:
    confirmed = pack["confirmation"]
    mine = [commitment_of(pack, pack["epoch"])["commitment_root"], pack["result"]["selection_root"]]
    names = sorted(actor["name"] for actor in confirmed["actors"])
    found.say(
        [confirmed["commitment_root"], confirmed["selection_root"]] == mine and two_officers(confirmed["actors"]),
        f"two officers confirmed exactly these roots: {' and '.join(names)}",
        "confirmation: it is not of these roots, or not by two officers",
    )


def _held(found: Findings, pack: Pack, held: Mapping[str, str]) -> None:
    stated = {
        "commitment": commitment_of(pack, pack["epoch"])["commitment_root"],
        "selection": pack["result"]["selection_root"],
    }
    if pack["release"]:
        stated["batch"] = pack["release"]["batch_root"]
    for name, root in stated.items():
        if name in held:
            found.say(
                held[name] == root,
                f"the {name} root is the one you hold",
                f"roots: the {name} root is {root}, you hold {held[name]}",
            )
        else:
            found.not_checked.append(
                f"that {root} is the {name} root that was published then: compare it with a copy of your own (--{name})"
            )


def _words(found: Findings, pack: Pack) -> None:
    """They are signed; that they say what findings say can be seen only where they are of this version."""
    verdict, facts = pack["verdict"], pack["application"]["facts"]
    waivers = waivers_of(pack["policy"], facts["track"])
    mine = {
        language.value: findings_in_words(verdict["findings"], verdict["evidence"], waivers, language)
        for language in Language
    }
    if (mine, LEGAL_NOTE, LIMITS) == (pack["findings_in_words"], pack["legal_note"], pack["limits"]):
        found.checked.append("the words are those of the findings and of the law's note, in both languages")
    else:
        found.not_checked.append("that the words say what the findings say: they are of another version of ours")
