"""`firstbuy round …`: officers' acts as they are read, and what other officers say to them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from firstbuy.commands.http import AsJson, Token, Url, ask
from firstbuy.commands.rounds import Round, take_in
from firstbuy.commands.screen import console, kst, print_json, print_receipt, print_warnings

app = typer.Typer()
Act = Annotated[str, typer.Argument(help="The act's id.")]
Why = Annotated[str, typer.Option(help="Why; kept with the act, and in the audit log.")]
_PLACES: Final = ("before", "after")


@app.command("acts")
def list_acts(
    round_id: Annotated[
        str | None, typer.Argument(help="The round's id, such as 2018-h2; without one, what waits in all of them.")
    ] = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """The acts proposed and done in a round, oldest first; without a round, those that wait for another officer."""
    acts = ask("GET", f"/rounds/{round_id}/acts" if round_id else "/acts", url=url, token=token)
    if as_json:
        print_json(acts)
        return
    named = [] if round_id else ["round"]
    table = Table("act", *named, "kind", "terms", "reason", "proposed by", "decided")
    for act in acts:
        terms = "\n".join(_in_short(act["terms"]))
        of = [act["round"]] if named else []
        table.add_row(act["act"], *of, act["kind"], terms, act["reason"], act["proposed_by"], _decided(act))
    console.print(table)


def _in_short(terms: Mapping[str, Any]) -> Iterator[str]:
    """What is nested in them is in `firstbuy round act`."""
    for name, value in terms.items():
        yield f"{name}: {'…' if _is_deep(value) else value}"


def _is_nested(value: Any) -> bool:
    return isinstance(value, Mapping | list)


def _is_deep(value: Any) -> bool:
    """More than a list of ids: what an announcement or an amendment states."""
    return isinstance(value, Mapping) or (isinstance(value, list) and any(map(_is_nested, value)))


def _decided(act: Mapping[str, Any]) -> str:
    if act["approved_by"]:
        return f"approved by {act['approved_by']}"
    if act.get("ended_by"):
        why = f": {act['ended_reason']}" if act["ended_reason"] else ""
        return f"{act['state']} by {act['ended_by']}{why}"
    until = f"{kst(act['expires_at'])} KST"
    return f"expired {until}" if act.get("state") == "expired" else f"awaited until {until}"


@app.command("act")
def show_act(round_id: Round, act: Act, url: Url = None, token: Token = None, as_json: AsJson = False) -> None:
    """One act whole: its terms, what stands now, and what the act will make of it."""
    shown = ask("GET", f"/rounds/{round_id}/acts/{act}", url=url, token=token)
    if as_json:
        print_json(shown)
    else:
        print_act(shown)


@app.command()
def approve(round_id: Round, act: Act, url: Url = None, token: Token = None, as_json: AsJson = False) -> None:
    """Approve another officer's act, which is printed whole first; it is done with that."""
    path = f"/rounds/{round_id}/acts/{act}"
    if not as_json:
        print_act(ask("GET", path, url=url, token=token))
        console.print()
    done = ask("POST", f"{path}/approval", url=url, token=token)
    if as_json:
        print_json(done)
        take_in(done, url, token)
        return
    console.print(f"done: {act}")
    print_warnings(done)
    take_in(done, url, token)
    if "receipt" in done:
        print_receipt(done["receipt"])


@app.command()
def reject(
    round_id: Round, act: Act, reason: Why, url: Url = None, token: Token = None, as_json: AsJson = False
) -> None:
    """Reject another officer's act: it can't be approved any more."""
    done = ask("POST", f"/rounds/{round_id}/acts/{act}/rejection", url=url, token=token, body={"reason": reason})
    _print_end(done, as_json)


@app.command("withdraw-act")
def withdraw_act(
    round_id: Round,
    act: Act,
    reason: Annotated[str | None, typer.Option(help="Why; kept with the act, and in the audit log.")] = None,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Withdraw an act of your own that nobody has approved."""
    body = {"reason": reason} if reason else {}
    done = ask("POST", f"/rounds/{round_id}/acts/{act}/withdrawal", url=url, token=token, body=body)
    _print_end(done, as_json)


def _print_end(done: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(done)
    else:
        console.print(f"{done['state']}: {done['act']}")


def print_act(shown: Mapping[str, Any]) -> None:
    """Whole, with no line broken: ids, roots and moments stand on one each."""
    console.print(f"{shown['kind']} of {shown['round']}: {shown['state']}", style="bold")
    console.print(f"act: {shown['act']}")
    console.print(f"reason: {shown['reason']}")
    console.print(f"proposed by: {shown['proposed_by']}, {kst(shown['proposed_at'])} KST")
    console.print(f"decided: {_decided(shown)}")
    told_below = shown["after"] is not None
    _print_part("terms", {name: term for name, term in shown["terms"].items() if not (told_below and _is_deep(term))})
    for name in _PLACES:
        if shown[name] is not None:
            _print_part(name, shown[name])
    if shown["refusal"]:
        console.print(f"it can't be approved as things stand: {shown['refusal']['title']}", style="red")


def _print_part(name: str, part: Any) -> None:
    console.print(name, style="bold")
    for line in lines(part) if part else ["nothing"]:
        console.print(f"  {line}")


def lines(value: Any) -> Iterator[str]:
    """A document for people: a name and its value to a line, what is nested moved in below its name; a moment also as
    people in Korea read it."""
    pairs: Sequence[tuple[str, Any]]
    if isinstance(value, Mapping):
        pairs = [(f"{name.replace('_', ' ')}:", inner) for name, inner in value.items()]
    else:
        pairs = [("-", inner) for inner in value]
    for name, inner in pairs:
        if not _is_nested(inner):
            moment = name.endswith(" at:") and isinstance(inner, str)
            yield f"{name} {_said(inner)}" + (f" ({kst(inner)} KST)" if moment else "")
        elif not inner:
            yield f"{name} none"
        elif name == "-":
            first, *rest = lines(inner)
            yield f"- {first}"
            yield from (f"  {line}" for line in rest)
        else:
            yield name
            yield from (f"  {line}" for line in lines(inner))


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "–" if value is None else str(value)
