"""`firstbuy apply FILE`: enter a product into a round, as any firm would, or ask beforehand how it would be judged."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from firstbuy.commands.http import AsJson, Identity, Url, application_of, ask
from firstbuy.commands.receipts import keep, must_be_new
from firstbuy.commands.screen import console, fail, kst, print_json, print_receipt, print_remarks
from shared.contracts.events import Language

_COLUMNS: Final = ("rule", "outcome", "seen", "needed", "gap", "legal_source")
_WORDS: Final[Mapping[Language, Mapping[str, str]]] = {
    Language.KO: {
        "check": "{round}: {outcome} ({as_of} 기준, 미리 확인한 것으로 결정이 아닙니다)",
        "eligible": "요건 충족",
        "ineligible": "요건 미충족",
        "rule": "요건",
        "outcome": "판정",
        "seen": "확인한 내용",
        "needed": "기준",
        "gap": "차이",
        "legal_source": "근거",
        "tickets": "추첨권: {tickets}장",
        "registries": "접수 후 조회할 기관: {registries}",
        "would_help": "다음과 같으면 요건을 충족합니다:",
        "read_as": "{where}: {said!r} → {read} (읽은 값)",
    },
    Language.EN: {
        "check": "{round}: {outcome} (as of {as_of}; a check, not a decision)",
        "eligible": "eligible",
        "ineligible": "ineligible",
        "rule": "condition",
        "outcome": "outcome",
        "seen": "seen",
        "needed": "needed",
        "gap": "how far off",
        "legal_source": "legal source",
        "tickets": "tickets in the draw: {tickets}",
        "registries": "to be asked of an application: {registries}",
        "would_help": "would be eligible with:",
        "read_as": "{where}: {said!r} is read as {read}",
    },
}


def apply(
    file: Annotated[Path, typer.Argument(help="The application as JSON; - for standard input.")],
    round_id: Annotated[
        str | None, typer.Option("--round", help="The round to enter; without it: the one that is open.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to keep the receipt in, its token too, for you alone.")
    ] = None,
    key: Annotated[str | None, typer.Option(help="Idempotency-Key; the same again gets the same receipt.")] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Only ask eligibility how it would be judged; nothing is stored.")
    ] = False,
    language: Annotated[Language, typer.Option(help="Of what --check says: Korean or English.")] = Language.KO,
    eligibility: Annotated[
        str | None, typer.Option(envvar="FIRSTBUY_ELIGIBILITY_URL", help="Eligibility, for --check.")
    ] = None,
    identity: Identity = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Enter a product. Keep the receipt: its token opens the application afterwards."""
    content = application_of(file, identity)
    if check:
        _check(round_id or open_round(url), content, language, eligibility, as_json)
        return
    must_be_new(output)
    headers = {"Idempotency-Key": key or str(uuid.uuid4())}
    path = f"/rounds/{round_id or open_round(url)}/applications"
    receipt = ask("POST", path, url=url, content=content, headers=headers)
    if output is not None:
        keep(output, receipt)
    if as_json:
        print_json(receipt)
        return
    print_receipt(receipt)
    if output is not None:
        console.print(f"kept in {output}: give it as --receipt to status, change, withdraw, proof and appeal file")


def open_round(url: str | None) -> str:
    """The one round that takes applications, a rolling intake by its own id; ends the command where there is none, or
    more than one."""
    rounds = ask("GET", "/rounds", url=url)
    taking = sorted({round_.get("series") or round_["round"] for round_ in rounds if _is_open(round_)})
    if len(taking) > 1:
        fail(f"several rounds are open: name one of them with --round: {', '.join(taking)}", 2)
    if taking:
        return str(taking[0])
    listed = [f"{round_['round']} ({kst(round_['opens_at'])} to {kst(round_['closes_at'])} KST)" for round_ in rounds]
    return fail(f"no round is open; there {'are ' + ', '.join(listed) if listed else 'is none yet'}", 2)


def _is_open(shown: Mapping[str, Any]) -> bool:
    opens_at, now, closes_at = (datetime.fromisoformat(shown[name]) for name in ("opens_at", "now", "closes_at"))
    return shown["status"] in ("announced", "open") and opens_at <= now < closes_at


def _check(round_id: str, content: bytes, language: Language, url: str | None, as_json: bool) -> None:
    """Exit code 1 when it would not be eligible."""
    told = ask("POST", f"/rounds/{round_id}/check", url=url, service="eligibility", content=content)
    if as_json:
        print_json(told)
    else:
        _print_explained(told, language)
    if told["outcome"] != "eligible":
        raise typer.Exit(1)


def _print_explained(told: Mapping[str, Any], language: Language) -> None:
    words, explained = _WORDS[language], told["explanation"][language.value]
    print_remarks(told, words["read_as"])
    outcome = words.get(told["outcome"], told["outcome"])
    console.print(words["check"].format(round=told["round"], outcome=outcome, as_of=told["as_of"]))
    table = Table(*(words[name] for name in _COLUMNS))
    for finding in told.get("findings_in_words", {}).get(language.value, explained["against"]):
        table.add_row(*(finding[name] for name in _COLUMNS))
    if table.rows:
        console.print(table)
    if told.get("tickets"):
        console.print(words["tickets"].format(tickets=told["tickets"]))
    if told.get("registries"):
        asked = ", ".join(registry["authority"] for registry in told["registries"])
        console.print(words["registries"].format(registries=asked))
    if explained["would_help"]:
        console.print(words["would_help"])
        for line in explained["would_help"]:
            console.print(f"  {line}")
