"""`firstbuy round …`: what rounds there are, how complete they are. Officers' acts on them are in `acts.py`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from deploy.local.state import PROJECT
from firstbuy.commands.http import AsJson, Token, Url, ask, download, operator_token, read_yaml
from firstbuy.commands.operator import carried_out, operator_kafka
from firstbuy.commands.policies import print_problems, problems_json, read_text
from firstbuy.commands.screen import console, errors, kst, print_json, print_warnings
from firstbuy.onboarding.cluster import Cluster
from firstbuy.policy_review.rounds import examine_round
from shared.wording.in_korean import said

app = typer.Typer(help="Rounds: list, show, check, open, reconcile; officers' acts on them.", no_args_is_help=True)
POLICIES = PROJECT / "deploy" / "policies"
Round = Annotated[str, typer.Argument(help="The round's id, such as 2018-h2.")]
Reason = Annotated[str, typer.Option(help="Why; it is published with the act.")]


@app.command("list")
def list_rounds(url: Url = None, as_json: AsJson = False) -> None:
    """Every round with its window and state."""
    rounds = ask("GET", "/rounds", url=url)
    if as_json:
        print_json(rounds)
    else:
        _print_list(rounds)


def _print_list(rounds: list[dict[str, Any]]) -> None:
    table = Table("round", "state", "opens (KST)", "closes (KST)", "title")
    for round_ in rounds:
        table.add_row(
            round_["round"], round_["status"], kst(round_["opens_at"]), kst(round_["closes_at"]), round_["title"]
        )
    console.print(table)


@app.command()
def show(round_id: Round, url: Url = None, as_json: AsJson = False) -> None:
    """One round: window, state, roots, milestones. Of a rolling intake its cuts, and which of them is open."""
    shown = ask("GET", f"/rounds/{round_id}", url=url)
    if as_json:
        print_json(shown)
        return
    if "cuts" in shown:
        _print_list(shown["cuts"])
        console.print(f"open: {shown['open'] or 'none of them'}")
        return
    table = Table(title=shown["title"], show_header=False)
    table.add_column()
    table.add_column()
    for name in ("opens_at", "closes_at", "now"):
        table.add_row(name.replace("_", " "), f"{kst(shown[name])} KST")
    for name in ("status", "policy_hash", "applications_root", "requests_root"):
        table.add_row(name.replace("_", " "), str(shown[name] or "–"))
    for milestone in shown["milestones"]:
        later = f" (epoch {milestone['epoch']})" if milestone.get("epoch", 1) > 1 else ""
        table.add_row(milestone["type"] + later, _milestone(milestone["body"]))
    console.print(table)


def _milestone(body: dict[str, Any]) -> str:
    told = ("eligible", "ineligible", "selected", "reserve", "not_selected", "commitment_root", "selection_root")
    return "\n".join(f"{name.replace('_', ' ')}: {body[name]}" for name in told if name in body)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A round of deploy/rounds/, as YAML.")],
    policies: Annotated[Path, typer.Option(help="Where the policy it names is.")] = POLICIES,
    as_json: AsJson = False,
) -> None:
    """Everything that is wrong with a round file, by line and field, with the fix. Exit code 1 when there is anything.

    Nothing is asked of a deployment, and nothing changed."""
    found = examine_round(read_text(file), policies, datetime.now(UTC))
    if as_json:
        print_json({"file": str(file), **problems_json(found.errors, found.remarks)})
    else:
        print_problems(file, found.errors, "red")
        print_problems(file, found.remarks, "yellow")
        if not found.errors:
            over = any(remark.code == "window-past" for remark in found.remarks)
            console.print(said(f"{file} is sound, and can only be rehearsed" if over else f"{file} can be announced"))
    if found.errors:
        raise typer.Exit(1)


@app.command("open")
def open_round(
    file: Annotated[Path, typer.Argument(help="A round of deploy/rounds/, as YAML.")],
    reason: Reason = "announced from a file",
    policies: Annotated[Path, typer.Option(help="Where the policy it names is.")] = POLICIES,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Announce the file's round with its policy and what its institutions pledge, all of it or nothing. Where it takes
    two officers, another one approves it. Institutions that are new get their topics once it is announced, where Kafka
    can be reached as its operator; a password comes by `firstbuy institution onboard`."""
    body = _stated(file, policies) | {"reason": reason}
    announced = ask("POST", "/rounds", url=url, token=token, body=body)
    print_warnings(announced)
    if as_json:
        print_json({**announced, "institutions": len(body["pledges"])})
    else:
        _print_announced(announced, len(body["pledges"]))
    take_in(announced, url, token)


@app.command()
def amend(
    file: Annotated[Path, typer.Argument(help="The round's file as it is to stand, as YAML.")],
    reason: Reason,
    policies: Annotated[Path, typer.Option(help="Where the policy it names is.")] = POLICIES,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Propose other terms, policy or pledges for a round that is announced and not open yet, as its file states them
    now. Another officer approves it; institutions are told."""
    body = _stated(file, policies) | {"reason": reason}
    round_id = body["round"]["round"]
    proposed = ask("POST", f"/rounds/{round_id}/amendments", url=url, token=token, body=body)
    print_warnings(proposed)
    if as_json:
        print_json(proposed)
    else:
        console.print(f"proposed; another officer approves with: firstbuy round approve {round_id} {proposed['act']}")


def _stated(file: Path, policies: Path) -> dict[str, Any]:
    """A round file as it is announced, but for the reason. Every error is printed, and ends the command."""
    examined = examine_round(read_text(file), policies, datetime.now(UTC))
    over = tuple(remark for remark in examined.remarks if remark.code == "window-past")
    if examined.round is None or examined.errors or over:
        print_problems(file, (*examined.errors, *over), "red")
        raise typer.Exit(1)
    stated = examined.round.model_dump(mode="json", exclude_none=True)
    policy = read_yaml(policies / f"{stated['policy']}.yaml")
    pledges = [
        {name: institution[name] for name in ("institution", "name", "pledge_won")}
        for institution in stated["institutions"]
    ]
    return {"round": stated["round"], "policy": policy, "pledges": pledges}


def _print_announced(announced: dict[str, Any], institutions: int) -> None:
    series = f", the first cut of {announced['series']}," if announced.get("series") else ""
    done = "proposed" if "act" in announced else "announced"
    console.print(f"{done} {announced['round']}{series} with {institutions} institutions; policy hash:")
    console.print(announced["policy_hash"])
    if "act" in announced:
        of = announced.get("series") or announced["round"]
        console.print(f"another officer approves with: firstbuy round approve {of} {announced['act']}")


def take_in(announced: dict[str, Any], url: str | None, token: str | None) -> None:
    """Institutions that an announcement registered become active, with topics, where Kafka is at hand; else they are
    named."""
    codes = announced.get("registered", [])
    if not codes:
        return
    found = operator_kafka(url)
    if found is None:
        errors.print(f"agreed, without topics yet: {', '.join(codes)} (firstbuy institution onboard)", style="yellow")
        return
    carried_out(Cluster(*found).join(codes))
    for code in codes:
        ask("PUT", f"/institutions/{code}", url=url, token=token, body={"status": "active"})


@app.command()
def export(
    round_id: Round,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to; else the name it is sent with.")
    ] = None,
    depth: Annotated[str, typer.Option(help="public, or auditor, which takes the auditor's token.")] = "public",
    epoch: Annotated[int | None, typer.Option(help="Of an earlier result; else the newest.")] = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """The evidence of a result as a file, for an auditor without a network. --url names selection here."""
    path = f"/rounds/{round_id}/evidence?depth={depth}" + (f"&epoch={epoch}" if epoch else "")
    bearer = operator_token(token, url) if depth == "auditor" else None
    target, size = download(path, output, f"{round_id}-{depth}.evidence.jsonl", url=url, token=bearer)
    console.print(f"{target}: {size:,} bytes; check it with `firstbuy verify evidence {target}`")


@app.command()
def ocds(
    round_id: Round,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Where to; else ROUND.ocds.json.")] = None,
    url: Url = None,
) -> None:
    """The round as open data: a release package of OCDS 1.1, of what is public by now. --url names selection here."""
    target, size = download(f"/rounds/{round_id}/ocds", output, f"{round_id}.ocds.json", url=url, token=None)
    console.print(f"{target}: {size:,} bytes")


@app.command()
def chances(round_id: Round, url: Url = None, as_json: AsJson = False) -> None:
    """What chance the committed tickets give, by kind of firm, and the shares selected. --url names selection here."""
    shown = ask("GET", f"/rounds/{round_id}/chances", url=url, service="selection")
    if as_json:
        print_json(shown)
        return
    table = Table("kind", "stand", "tickets", "first place", "selected, expected", "was selected")
    for column in table.columns[1:]:
        column.justify = "right"
    for counts in shown["kinds"]:
        words = [
            word for word, holds in (("startup", counts["startup"]), ("first-timer", counts["first_timer"])) if holds
        ]
        expected = "–" if counts["selected"] is None else f"{counts['selected']:.1%} ± {counts['error']:.1%}"
        actual = "–" if counts["was_selected"] is None else f"{counts['was_selected']:.1%}"
        kind = ", ".join(words) or "other"
        table.add_row(
            kind, str(counts["standing"]), str(counts["tickets"]), f"{counts['first_place']:.2%}", expected, actual
        )
    console.print(table)
    console.print(f"{shown['method']}; {shown['of_tickets']:,} tickets in all")


@app.command()
def reconcile(
    round_id: Round,
    eligibility: Annotated[
        str | None, typer.Option(envvar="FIRSTBUY_ELIGIBILITY_URL", help="Eligibility; else the local stack's.")
    ] = None,
    selection: Annotated[
        str | None, typer.Option(envvar="FIRSTBUY_SELECTION_URL", help="Selection; else the local stack's.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What still differs between what was admitted, judged and selected from. Exit code 1 while anything does.

    Differing buckets are repaired by the services themselves; a bucket that stays here needs a look at their logs."""
    path = f"/rounds/{round_id}/completeness"
    judged = ask("GET", path, url=eligibility, service="eligibility")
    chosen = ask("GET", path, url=selection, service="selection")
    complete = judged["complete"] and chosen["complete"]
    if as_json:
        print_json({"round": round_id, "complete": complete, "eligibility": judged, "selection": chosen})
    else:
        differing = chosen["differing_buckets"]
        table = Table("where", "what", "still different")
        table.add_row("eligibility", "judged / admitted", f"{judged['judged']} / {judged['expected']}")
        table.add_row("", "buckets of applications", _buckets(judged["differing_buckets"]))
        table.add_row("", "waiting to be judged", str(judged["waiting"]))
        for use in judged.get("registries", ()):  # one of before has none
            table.add_row("", f"waiting for {use['registry']} ({use['authority']})", _waited_for(use))
        table.add_row("", "parked until officers unpark or exclude them", "\n".join(judged["parked"]) or "–")
        table.add_row("selection", "judging heard of", "yes" if chosen["judged"] else "not yet")
        if "panel_marks" in chosen:
            table.add_row("", "a panel's marks", _MARKS[chosen["panel_marks"]])
        for subject in ("verdicts", "requests", "applications"):
            table.add_row("", f"buckets of {subject}", _buckets(differing.get(subject, [])))
        console.print(table)
        console.print("admitted = judged = selected from" if complete else "not complete")
    if not complete:
        raise typer.Exit(1)


def _waited_for(use: dict[str, Any]) -> str:
    if not use["pending"]:
        return "0, waived" if use["waived"] else "0"
    unset = "" if use["address_set"] else "; eligibility has no address of it"
    return f"{use['pending']}, since {kst(use['since'])} KST{unset}"


_MARKS = {
    "closed": "closed, or none are asked",
    "open": "not closed yet (firstbuy score close)",
    "different": "closed, and what selection has is not that",
}


def _buckets(numbers: list[int]) -> str:
    if len(numbers) > 16:
        return f"{', '.join(map(str, numbers[:16]))}, … {len(numbers)} of 256"
    return ", ".join(map(str, numbers)) or "–"
