"""`firstbuy verify …`: a receipt, a proof, a pack, a time-stamp or a result, checked by anyone, from what they hold."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import httpx2
import typer
from cryptography.x509 import Certificate

from firstbuy.commands.http import AsJson, Url, base_url
from firstbuy.commands.screen import console, fail, print_json
from firstbuy.verifying.beacons import examine_beacons
from firstbuy.verifying.findings import HASH, Findings
from firstbuy.verifying.kept import Holding, held_against
from firstbuy.verifying.kept_files import kept_in
from firstbuy.verifying.kept_values import Kept
from firstbuy.verifying.packs import examined_pack
from firstbuy.verifying.receipts import examined_proof, examined_receipt
from firstbuy.verifying.timestamps import examined_timestamp
from services.selection.verify import examine, harmless
from shared.proof.timestamping import UnusableRootsError, roots_of

app = typer.Typer(help="Check a receipt, a proof, a pack, a time-stamp or a result yourself.", no_args_is_help=True)


@app.command()
def evidence(
    file: Annotated[Path, typer.Argument(help="What `firstbuy round export` wrote.")],
    commitment: Annotated[
        list[str] | None, typer.Option(help="The commitment root you hold; once for each epoch's.")
    ] = None,
    selection: Annotated[str | None, typer.Option(help="The selection root you hold.")] = None,
    announcement: Annotated[str | None, typer.Option(help="The announcement root you hold.")] = None,
    shown: Annotated[str | None, typer.Option(help="The root you hold over what is shown.")] = None,
    kept: Annotated[
        Path | None,
        typer.Option(help="Folder of what anybody kept: receipts, proofs, notices, events, answers, as JSON or lines."),
    ] = None,
    keys: Annotated[
        str | None, typer.Option(help="File or URL of intake's /.well-known/firstbuy-keys, for receipts in --kept.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """A round's result: every root, the draw and the matching computed again, and signatures of drand where the round
    announced a key. `services/selection/verify.py` alone does all but the last without this command.

    With --kept, each copy in that folder is held against it: which claims it backs, and which it contradicts.
    Exit code 3 where nothing differs and nobody confirmed it yet."""
    one_each = {"selection": selection, "announcement": announcement, "shown": shown}
    held = {"commitment": commitment or []} | {name: [root] for name, root in one_each.items() if root is not None}
    for name, roots in held.items():
        for root in roots:
            if not HASH.fullmatch(root):
                fail(f"--{name} {root!r} is no root: write its 64 digits of 0-9 and a-f", 2)
    holding = _kept(kept, file, keys) if kept is not None else Holding()
    for name, roots in holding.roots.items():
        held[name] = [*dict.fromkeys([*held.get(name, []), *roots])]
    try:
        with file.open("rb") as source:
            report = examine(source, held)
            differs = report.differs + ([f"and {report.more} more"] if report.more else [])
            found = Findings(report.checked, differs, report.not_checked)
            if not differs:
                source.seek(0)
                examine_beacons(found, source)
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    found.differs += [f"{path}: {line}" for path, copy in holding.files.items() for line in copy.differs]
    found.not_checked += holding.unbacked
    _tell({f"{file}: {report.depth} depth": found} | holding.files, as_json)
    if not report.confirmed:
        raise typer.Exit(3)


@app.command()
def receipt(
    file: Annotated[Path, typer.Argument(help="The JSON that 201 answered, or what GET …/receipt answered.")],
    keys: Annotated[
        str | None, typer.Option(help="File or URL of /.well-known/firstbuy-keys; else of the deployment asked.")
    ] = None,
    application: Annotated[
        Path | None, typer.Option(help="What GET /applications/{id} answered, to check the payload hash too.")
    ] = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Was this receipt signed by the programme, word for word? Exit code 1 when anything differs."""
    stated = _read(str(file))
    published = _keys(keys or base_url("intake", url) + "/.well-known/firstbuy-keys")
    facts = _object(str(application)) if application else None
    receipts = stated if isinstance(stated, list) else [stated]
    if not receipts or not all(isinstance(shown, dict) for shown in receipts):
        fail(f"{file} holds no receipt")
    found = [examined_receipt(receipt, published, facts if receipt is receipts[-1] else None) for receipt in receipts]
    titles = [f"{file}: version {receipt.get('version')} of {receipt.get('application')}" for receipt in receipts]
    _tell(dict(zip(titles, found, strict=True)), as_json)


@app.command()
def proof(
    file: Annotated[Path, typer.Argument(help="What GET /applications/{id}/proof answered.")],
    manifest: Annotated[
        str | None, typer.Option(help="File or URL of the published manifest: GET …/manifest, or RoundFrozen.")
    ] = None,
    receipt: Annotated[Path | None, typer.Option(help="Your receipt, to see that the leaf is your version.")] = None,
    as_json: AsJson = False,
) -> None:
    """Does this proof lead to the frozen set's root? Exit code 1 when anything differs."""
    stated = _object(str(file))
    published = _object(manifest) if manifest else None
    mine = _object(str(receipt)) if receipt else None
    _tell({f"{file}": examined_proof(stated, published, mine)}, as_json)


@app.command()
def pack(
    file: Annotated[Path, typer.Argument(help="The JSON of a pack; in its PDF it is attached as pack.json.")],
    keys: Annotated[
        str | None, typer.Option(help="File or URL of selection's /.well-known/firstbuy-keys, to see whose key it is.")
    ] = None,
    commitment: Annotated[str | None, typer.Option(help="The commitment root you hold.")] = None,
    selection: Annotated[str | None, typer.Option(help="The selection root you hold.")] = None,
    batch: Annotated[str | None, typer.Option(help="The root you hold of the batch that gave it its place.")] = None,
    ca: Annotated[Path | None, typer.Option(help="PEM file of the time-stamp authority's roots.")] = None,
    as_json: AsJson = False,
) -> None:
    """A selected product's pack: every hash and path in it, offline. Exit code 1 when anything differs."""
    stated = _object(str(file))
    published = _keys(keys) if keys else None
    roots = {"commitment": commitment, "selection": selection, "batch": batch}
    held = {name: root for name, root in roots.items() if root}
    _tell({f"{file}": examined_pack(stated, published, held, _authority(ca) if ca else None)}, as_json)


@app.command()
def timestamp(
    file: Annotated[
        Path, typer.Argument(help="What GET /rounds/{round}/commitments answered, one of its entries, or the event.")
    ],
    ca: Annotated[Path, typer.Option(help="PEM file of the authority's roots, got from the authority itself.")],
    as_json: AsJson = False,
) -> None:
    """When did the commitment stand, by an authority's time? Offline. Exit code 1 when anything differs."""
    stated = _read(str(file))
    listed = stated if isinstance(stated, list) else [stated]
    if not listed or not all(isinstance(commitment, dict) for commitment in listed):
        fail(f"{file} holds no commitment")
    roots = _authority(ca)
    titles = [f"{file}: round {commitment.get('round')}, epoch {commitment.get('epoch')}" for commitment in listed]
    _tell({title: examined_timestamp(stamp, roots) for title, stamp in zip(titles, listed, strict=True)}, as_json)


def _kept(folder: Path, bundle: Path, keys: str | None) -> Holding:
    published = _keys(keys) if keys else None
    try:
        files = list(kept_in(folder, bundle))
    except OSError as error:
        fail(f"--kept {folder}: {error.strerror}")
    if not files:
        fail(f"--kept {folder}: no file is in it", 2)
    try:
        with bundle.open("rb") as source:
            return held_against(source, files, published)
    except OSError as error:
        fail(f"{bundle}: {error.strerror}")


def _tell(examined: Mapping[str, Findings], as_json: bool) -> None:
    if as_json:
        print_json([{"what": what, **asdict(found)} for what, found in examined.items()])
    else:
        for what, found in examined.items():
            console.print(harmless(what), style="bold")
            unchecked = [f"not checked: {line}" for line in found.not_checked]
            others = found.says if isinstance(found, Kept) else []
            for mark, lines in (("✓", found.checked), ("✗", found.differs), ("–", unchecked + others)):
                for line in lines:
                    console.print(f"  {mark} {harmless(line)}")
    if any(found.differs for found in examined.values()):
        raise typer.Exit(1)


def _keys(source: str) -> list[dict[str, Any]]:
    published = _read(source)
    if not isinstance(published, list) or not all(isinstance(key, dict) for key in published):
        fail("the keys are no JSON list of keys: see GET /.well-known/firstbuy-keys")
    return published


def _authority(ca: Path) -> list[Certificate]:
    try:
        return roots_of(ca.read_bytes())
    except OSError as error:
        fail(f"{ca}: {error.strerror}")
    except UnusableRootsError as error:
        fail(f"{ca}: {error}")


def _object(source: str) -> dict[str, Any]:
    read = _read(source)
    if not isinstance(read, dict):
        fail(f"{source} is no JSON object")
    return read


def _read(source: str) -> Any:
    """JSON of a file, or of an address."""
    try:
        if source.startswith(("http://", "https://")):
            answer = httpx2.get(source, timeout=30, follow_redirects=True)
            if answer.status_code != 200:
                fail(f"{source} answers {answer.status_code}: {answer.text[:300]}")
            return answer.json()
        return json.loads(Path(source).read_bytes())
    except httpx2.HTTPError as error:
        fail(f"{source} does not answer: {error or type(error).__name__}")
    except OSError as error:
        fail(f"{source}: {error.strerror}")
    except (ValueError, RecursionError):
        fail(f"{source} is no JSON")
