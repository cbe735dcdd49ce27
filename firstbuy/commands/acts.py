"""`firstbuy round …`: officers' acts. One proposes with exact terms, another approves; the act is done with that."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from firstbuy.commands.http import AsJson, Token, Url, ask, read_json
from firstbuy.commands.rounds import Reason, Round
from firstbuy.commands.screen import console, fail, kst, print_json
from services.intake.domain.sources import UnusableValueError, beacon_value

app = typer.Typer()
Applications = Annotated[list[str], typer.Argument(help="Ids of applications.")]


@app.command()
def confirm(
    round_id: Round,
    reason: Reason,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Propose to confirm the selection as it stands, naming its exact roots; where that is done, the newest batch of a
    release. Another officer approves it."""
    shown = ask("GET", f"/rounds/{round_id}", url=url)
    newest = _proposed(round_id, shown)
    given_out = _newest(shown["milestones"], "ReleaseProposed")
    batch = {}
    if given_out is not None and given_out["epoch"] == newest["epoch"]:
        batch = {"batch": given_out["batch"], "batch_root": given_out["batch_root"]}
    if shown["status"] in ("confirmed", "final"):
        if not batch or shown["status"] == "final":
            fail(f"{round_id} is confirmed already, and no batch waits (firstbuy round releases {round_id})")
        terms = {"epoch": newest["epoch"]} | batch
        propose(round_id, "confirm-release", terms, reason, url, token, as_json)
    else:
        terms = {name: newest[name] for name in ("epoch", "commitment_root", "selection_root")} | batch
        propose(round_id, "confirm", terms, reason, url, token, as_json)
    if not as_json:
        for name in ("selection_root", "batch_root"):
            if name in terms:
                console.print(f"{name.replace('_', ' ')} {terms[name]}")


def _proposed(round_id: str, shown: dict[str, Any]) -> dict[str, Any]:
    """What selection proposed last."""
    newest = _newest(shown["milestones"], "SelectionProposed")
    if newest is None:
        fail(f"nothing is proposed in {round_id} yet (firstbuy round show {round_id})")
    return newest


def _newest(milestones: list[dict[str, Any]], kind: str) -> dict[str, Any] | None:
    bodies = [milestone["body"] for milestone in milestones if milestone["type"] == kind]
    return max(bodies, key=lambda body: (int(body["epoch"]), int(body.get("batch", 0))), default=None)


@app.command()
def release(
    round_id: Round,
    reason: Annotated[str, typer.Option(help="The grounds; published with the act, and as those of what is declined.")],
    decline: Annotated[
        str | None, typer.Option(help="Id of one proposed or selected product that officers decline.")
    ] = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Propose to give out to the reserve, in one batch, what was set free: places given up, requests cancelled, and the
    product declined here. Another officer approves it; the batch is then proposed, and confirmed by `round confirm`."""
    newest = _proposed(round_id, ask("GET", f"/rounds/{round_id}", url=url))
    stands = ask("GET", f"/rounds/{round_id}/releases", url=url, token=token)
    batches = [int(batch["batch"]) for batch in stands["batches"] if batch["epoch"] == stands["epoch"]]
    terms = {
        "epoch": stands["epoch"],
        "batch": max(batches, default=0) + 1,
        "selection_root": newest["selection_root"],
        "given_up": [freed["subject"] for freed in stands["free"] if freed["cause"] == "given-up"],
        "cancelled": [freed["subject"] for freed in stands["free"] if freed["cause"] == "cancelled"],
        "declined": [decline] if decline else [],
    }
    propose(round_id, "release", terms, reason, url, token, as_json)


@app.command()
def releases(round_id: Round, url: Url = None, token: Token = None, as_json: AsJson = False) -> None:
    """What was set free and waits to be given out, and the batches so far."""
    shown = ask("GET", f"/rounds/{round_id}/releases", url=url, token=token)
    if as_json:
        print_json(shown)
        return
    free = Table("set free", "why", "reason", "since")
    for freed in shown["free"]:
        free.add_row(freed["subject"], freed["cause"], freed["reason"], f"{kst(freed['freed_at'])} KST")
    batches = Table("epoch", "batch", "promoted", "changed", "withdrawn", "root", "confirmed")
    for batch in shown["batches"]:
        said = batch["proposed"] or {}
        counts = [str(said.get(name, "…")) for name in ("promoted", "changed", "withdrawn", "batch_root")]
        confirmed = f"{kst(batch['confirmed_at'])} KST" if batch["confirmed_at"] else "not yet"
        batches.add_row(str(batch["epoch"]), str(batch["batch"]), *counts, confirmed)
    console.print(free)
    console.print(batches)


@app.command()
def extend(
    round_id: Round,
    closes_at: Annotated[str, typer.Argument(help="The new close with its offset: 2018-09-15T18:00:00+09:00.")],
    reason: Reason,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Propose to move the close, for everybody. Possible until the round is frozen; another officer approves it."""
    propose(round_id, "extend", {"closes_at": closes_at}, reason, url, token, as_json)


@app.command()
def void(round_id: Round, reason: Reason, url: Url = None, token: Token = None, as_json: AsJson = False) -> None:
    """Propose to end the round without a result. Another officer approves it."""
    propose(round_id, "void", {}, reason, url, token, as_json)


@app.command("waive-registry")
def waive_registry(
    round_id: Round,
    registry: Annotated[str, typer.Option(help="As the policy names it: business-status or certificates.")],
    reason: Annotated[str, typer.Option(help="The grounds; published with the act.")],
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Propose to wait no longer for a registry in this round: what it has not answered is judged as it was stated.
    Another officer approves it."""
    propose(round_id, "waive-registry", {"registry": registry}, reason, url, token, as_json)


@app.command("record-source")
def record_source(
    round_id: Round,
    source: Annotated[str, typer.Argument(help="The source, as the announcement names it.")],
    value: Annotated[
        str, typer.Argument(help="A lottery's as RFC 3797 has it, such as 9.18.26.34.41.45./ ; of drand the signature.")
    ],
    reason: Reason,
    beacon_round: Annotated[int | None, typer.Option(help="Of drand: the round that gave it, the one due.")] = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Propose the value that decides the draw: the first one due after the commitment. Another officer approves it."""
    commitments = [
        milestone["body"]
        for milestone in ask("GET", f"/rounds/{round_id}", url=url)["milestones"]
        if milestone["type"] == "InputsCommitted"
    ]
    if not commitments:
        fail(f"nothing is committed in {round_id} yet (firstbuy round show {round_id})")
    newest = max(commitments, key=lambda body: int(body["epoch"]))
    decided = newest if newest.get("supplementary") else min(commitments, key=lambda body: int(body["epoch"]))
    terms = {"epoch": decided["epoch"], "commitment_root": decided["commitment_root"]}
    terms |= {"source": source, "value": value}
    if beacon_round is not None:
        try:
            terms |= {"value": beacon_value(value), "beacon_round": beacon_round, "signature": value}
        except UnusableValueError as error:
            fail(str(error))
    propose(round_id, "record-source", terms, reason, url, token, as_json)


@app.command("admit-late")
def admit_late(
    round_id: Round,
    file: Annotated[Path, typer.Argument(help="The application as JSON, as `firstbuy apply` takes it.")],
    reason: Annotated[str, typer.Option(help="The grounds; published with the act.")],
    source: Annotated[
        str | None, typer.Option(help="The source it draws under; else the first the announcement names.")
    ] = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Propose to admit one application after the freeze. Another officer approves it; a new epoch opens."""
    stands = ask("GET", f"/rounds/{round_id}", url=url)
    terms = _standing(stands) | {"source": source or stands["sources"][0]["source"]}
    propose(round_id, "admit-late", terms, reason, url, token, as_json, entry=read_json(file))


@app.command()
def unpark(
    round_id: Round,
    applications: Applications,
    reason: Reason,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Propose to judge parked applications again, in a new epoch; what stands against one that is contested is taken
    out with it. Another officer approves it."""
    named = sorted(set(applications))
    terms = _standing(ask("GET", f"/rounds/{round_id}", url=url)) | {"applications": named}
    contested = ask("GET", f"/rounds/{round_id}/contests", url=url, token=token)
    excluded = {other for entry in contested if entry["application"] in named for other in entry["against"]}
    if excluded:
        terms["excluded"] = sorted(excluded)
    propose(round_id, "unpark", terms, reason, url, token, as_json)


@app.command()
def contests(round_id: Round, url: Url = None, token: Token = None, as_json: AsJson = False) -> None:
    """What two parties entered of one firm, and what each stands against. `round unpark` names which one stands."""
    shown = ask("GET", f"/rounds/{round_id}/contests", url=url, token=token)
    if as_json:
        print_json(shown)
        return
    table = Table("firm", "application", "product", "identity", "against")
    for entry in shown:
        cells = (entry["business_number"], entry["application"], "\n".join(entry["product"]), entry["identity"])
        table.add_row(*cells, "\n".join(entry["against"]))
    console.print(table if shown else "nothing is contested")


@app.command()
def exclude(
    round_id: Round,
    application: Annotated[str, typer.Argument(help="Id of a parked application.")],
    reason: Annotated[str, typer.Option(help="The grounds; the applicant is told, and they are published.")],
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Propose to take a parked application out of the round, in a new epoch. Another officer approves it."""
    terms = _standing(ask("GET", f"/rounds/{round_id}", url=url)) | {"application": application}
    propose(round_id, "exclude", terms, reason, url, token, as_json)


@app.command()
def rerun(
    round_id: Round,
    reason: Reason,
    applications: Annotated[
        list[str] | None, typer.Option("--application", help="Only these, each with the option; else all.")
    ] = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Propose to judge again, in a new epoch under the same seed. Another officer approves it."""
    terms = _standing(ask("GET", f"/rounds/{round_id}", url=url))
    if applications:
        terms["applications"] = sorted(set(applications))
    propose(round_id, "rerun", terms, reason, url, token, as_json)


def _standing(shown: dict[str, Any]) -> dict[str, Any]:
    """The set an act changes, as it stands: whoever approves it names the same."""
    return {"epoch": shown["epoch"], "applications_root": shown["applications_root"]}


def propose(
    round_id: str,
    act: str,
    terms: dict[str, Any],
    reason: str,
    url: str | None,
    token: str | None,
    as_json: bool,
    **more: Any,
) -> None:
    """Proposes the act; prints its terms and how another officer approves it."""
    body = {"act": act, "terms": terms, "reason": reason} | more
    proposed = ask("POST", f"/rounds/{round_id}/acts", url=url, token=token, body=body)
    if as_json:
        print_json({"terms": terms, **proposed})
        return
    approval = f"firstbuy round approve {round_id} {proposed['act']}"
    console.print(f"proposed; another officer approves with: {approval}")
