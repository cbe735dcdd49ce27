"""What people keep of a round: receipts, notices, proofs, answers."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from typer.testing import CliRunner, Result

from firstbuy.cli import assembled
from services.selection.domain.evidence import Depth
from shared.proof.inclusion import inclusion_proof
from shared.proof.merkle import bucket_of
from shared.proof.signing import Signer
from tests.support.forger import Forged, Record
from tests.support.true_bundles import true_bundle

SIGNER = Signer(bytes(range(32)))


Lines = dict[str, list[str]]


class Folder:
    """A bundle and what lies beside it."""

    def __init__(self, path: Path) -> None:
        self.path, self.kept = path, path / "kept"
        self.kept.mkdir()

    def keep(self, name: str, content: Any) -> None:
        target = self.kept / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())

    def verify(self, made: Forged, *options: str) -> Result:
        file = self.path / "result.jsonl"
        file.write_bytes(made.written())
        command = ["verify", "evidence", str(file), "--kept", str(self.kept), *options]
        return CliRunner().invoke(assembled(), command, terminal_width=400)

    def told(self, made: Forged, *options: str) -> tuple[int, dict[str, Lines]]:
        """Exit code, and what is said of each file; of the bundle under ''."""
        result = self.verify(made, *options, "--json")
        assert result.exception is None or isinstance(result.exception, SystemExit), result.output
        first, *others = json.loads(result.stdout)
        files = {str(Path(other["what"]).relative_to(self.kept)): other for other in others}
        return result.exit_code, {"": first} | files


def true(kind: str = "eventful", depth: Depth = Depth.PUBLIC) -> Forged:
    return true_bundle(kind, depth).copy()


def receipt(made: Forged, **changed: Any) -> Record:
    entry = made.of("entry")[0]
    stated: Record = {
        "round": made.round,
        "withdrawn": False,
        "received_at": "2018-08-20T07:49:12Z",
        "nonce": "ab" * 16,
    }
    stated |= {name: entry[name] for name in ("application", "version", "payload_hash")} | changed
    return stated | {"key_id": SIGNER.key.key_id, "signature": SIGNER.sign(stated)}


def notice(made: Forged, turn: str, roots: Record, **members: Any) -> Record:
    return {"institution": "kepco", "round": made.round, "turn": turn, "roots": roots} | members


def published(made: Forged) -> Record:
    body = made.event("SelectionConfirmed", made.epoch)
    roots = {name: body[f"{name}_root"] for name in ("commitment", "selection", "shown")}
    return notice(made, "published", roots, occurred_at=body["confirmed_at"])


def announced(made: Forged) -> Record:
    terms = made.terms()
    roots = {"announcement": terms["announcement_root"], "policy": terms["policy_hash"]}
    return notice(made, "amended", roots, occurred_at=terms["amended_at"])


def proof(made: Forged) -> Record:
    rows = sorted((one["application"], one["version"], one["payload_hash"]) for one in made.of("entry"))
    mine = [row for row in rows if bucket_of(row[0]) == bucket_of(rows[0][0])]
    found = inclusion_proof(rows[0][0], mine, made.event("RoundFrozen")["applications"]["roots"])
    assert found is not None
    return {"round": made.round, "epoch": 1, **json.loads(json.dumps(asdict(found)))}


def award(made: Forged) -> Record:
    entry = next(one for one in made.of("entry") if one["awards"])
    institution = entry["awards"][0][0].partition("/")[0]
    mine = [one for one in entry["awards"] if one[0].startswith(f"{institution}/")]
    return {
        "institution": institution,
        "round": made.round,
        "application": entry["application"],
        "product": entry["product"],
        "position": entry["position"],
        "awards": [
            {"request": request, "institution": institution, "quantity": quantity, "amount_won": won}
            for request, quantity, won in mine
        ],
        "selection_root": made.event("SelectionProposed", made.epoch)["selection_root"],
    }


def answered(made: Forged, **changed: Any) -> Record:
    asked = made.of("request")[0]
    stated = {name: asked[name] for name in ("institution", "request", "version", "payload_hash")}
    return stated | {"round": made.round, "answer": "accepted", "quotes": "1", "offset": 1} | changed


def stated_round(made: Forged, **changed: Any) -> Record:
    terms, frozen = made.terms(), made.event("RoundFrozen")
    told = {name: terms[name] for name in ("round", "opens_at", "closes_at", "policy_hash", "lead_seconds")}
    told |= {"status": "closed", "announcement_root": terms["announcement_root"]}
    return told | {"applications_root": frozen["applications"]["root"], "requests_root": None} | changed


def cloud(name: str, body: Record) -> Record:
    return {"specversion": "1.0", "id": "1", "source": "x", "type": f"kr.firstbuy.{name}.v1", "data": body}
