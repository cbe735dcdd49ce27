"""`firstbuy institution …`: who buys, what they pledge, and what they have in Kafka.

Intake keeps who they are; topics, users and rights are made from here, with the operator's own user, which no service
has (docs/adr/0014)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from firstbuy.commands import notification_contacts
from firstbuy.commands.handing_over import WITHOUT_TOPICS, check_folder, hand_over, print_plan
from firstbuy.commands.http import AsJson, Token, Url, ask, operator_token
from firstbuy.commands.notification_contacts import (
    Code,
    ContactLanguage,
    Contacts,
    Webhook,
    code_of,
    people,
    set_listed,
)
from firstbuy.commands.operator import carried_out, operator_kafka
from firstbuy.commands.screen import console, fail, print_json, print_warnings
from firstbuy.onboarding.client import write_secret
from firstbuy.onboarding.cluster import QUOTA, Cluster
from firstbuy.onboarding.listed import Listed, Person, UnreadableListError, read_list
from shared.contracts.events import InstitutionStatus, Language
from shared.reading import as_written
from shared.service.settings import DeploymentSettings, KafkaSettings

app = typer.Typer(help="Institutions.", no_args_is_help=True)
app.command()(notification_contacts.contacts)
app.command()(notification_contacts.webhook)
Reason = Annotated[str | None, typer.Option(help="Why; kept in the audit log.")]
Pledges = Annotated[
    list[str] | None, typer.Option("--pledge", help="ROUND=WON, or WON with --round; may be given again.")
]
RoundId = Annotated[str | None, typer.Option("--round", help="The round pledged to.")]
Strimzi = Annotated[str, typer.Option("--cluster", help="In a plan, the Kafka resource's name.")]
Out = Annotated[Path | None, typer.Option(help="Folder for client configurations, instead of the screen.")]
Bootstrap = Annotated[
    str | None,
    typer.Option(envvar="FIRSTBUY_INSTITUTIONS_BOOTSTRAP", help="Brokers as institutions reach them, if not as here."),
]
NO_KAFKA = (
    "who makes its topics and its user? Name Kafka and a user that may, by FIRSTBUY_KAFKA_BOOTSTRAP_SERVERS and "
    "FIRSTBUY_KAFKA_…; or have others make them from --plan, then say --provisioned"
)
BEFORE_ACTIVE = {InstitutionStatus.INTERESTED, InstitutionStatus.LEFT}
WITH_USER = {InstitutionStatus.ACTIVE, InstitutionStatus.SUSPENDED}


@app.command()
def onboard(
    code: Annotated[
        str | None, typer.Argument(help="A short lower-case code; its topics are named by it.", callback=code_of)
    ] = None,
    name: Annotated[str | None, typer.Option(help="The institution's full name.")] = None,
    pledge: Pledges = None,
    round_id: RoundId = None,
    file: Annotated[Path | None, typer.Option(help="Many at once: a round file, a YAML list, or CSV.")] = None,
    status: Annotated[
        InstitutionStatus, typer.Option(help="How far it has come: interested, agreed, or active.")
    ] = InstitutionStatus.ACTIVE,
    quota: Annotated[int, typer.Option(min=1, help="Bytes a second it may send to each broker.")] = QUOTA,
    contact: Contacts = None,
    language: ContactLanguage = Language.KO,
    webhook: Webhook = None,
    out: Out = None,
    bootstrap: Bootstrap = None,
    as_plan: Annotated[
        bool, typer.Option("--plan", help="Print what others are to apply, and change nothing.")
    ] = False,
    cluster: Strimzi = "firstbuy",
    provisioned: Annotated[bool, typer.Option(help="Others made its topics and user: only register it.")] = False,
    url: Url = None,
    token: Token = None,
    as_json: AsJson = False,
) -> None:
    """Register institutions, or change them, and give each its two topics, its user and its rights. Run again, it
    changes nothing. A password is shown once, when it is made."""
    wanted = _wanted(code, name, pledge, round_id, file, people(contact or (), language), webhook)
    known = statuses(url)
    if as_plan:
        print_plan([listed.code for listed in wanted], known, cluster, quota)
        return
    bearer = operator_token(token, url)
    if status not in {*WITHOUT_TOPICS, InstitutionStatus.ACTIVE}:
        fail(f"--status {status}: that is `firstbuy institution {'suspend' if status in WITH_USER else 'leave'}`", 2)
    if status is InstitutionStatus.ACTIVE:
        passwords, secrets, kafka_side = _let_in(wanted, known, bearer, url, out, None if provisioned else quota)
        codes = [listed.code for listed in wanted]
        hand_over(kafka_side, codes, passwords, out, bootstrap, secrets, as_json=as_json)
        return
    for listed in wanted:
        _register(listed, [status], url, bearer)
    console.print(f"{len(wanted)} recorded as {status}; nothing made in Kafka yet")


def _let_in(
    wanted: Sequence[Listed],
    known: Mapping[str, InstitutionStatus],
    bearer: str | None,
    url: str | None,
    out: Path | None,
    quota: int | None,
) -> tuple[dict[str, str], dict[str, str], Cluster]:
    """Passwords and webhook secrets by institution. `quota`: in bytes a second; None where others provision Kafka."""
    held = [listed.code for listed in wanted if known.get(listed.code) is InstitutionStatus.SUSPENDED]
    if held:
        fail(f"suspended: {', '.join(held)}; `firstbuy institution resume` lets one send again")
    found = operator_kafka(url)
    if found is None and quota is not None:
        fail(NO_KAFKA)
    kafka, prefix = found or (KafkaSettings(), DeploymentSettings().topic_prefix)
    kafka_side, codes = Cluster(kafka, prefix), [listed.code for listed in wanted]
    check_folder(out)
    if quota is not None:
        carried_out(kafka_side.join(codes, quota=quota))
    for listed in wanted:
        steps = [InstitutionStatus.AGREED] if known.get(listed.code) in BEFORE_ACTIVE else []
        _register(listed, [*steps, InstitutionStatus.ACTIVE], url, bearer)
    secrets = {}
    for listed in wanted:
        if secret := set_listed(listed, url, bearer):
            secrets[listed.code] = secret
            if out is not None:  # at once: it is shown once, and a later step may fail
                write_secret(out / f"{listed.code}.webhook-secret", f"{secret}\n")
    passwords = {} if quota is None else carried_out(kafka_side.first_passwords(codes))
    return passwords, secrets, kafka_side


@app.command()
def rotate(
    code: Code,
    out: Out = None,
    bootstrap: Bootstrap = None,
    url: Url = None,
    as_json: AsJson = False,
) -> None:
    """Give it another password; the one before opens no connection any more."""
    if statuses(url).get(code) not in WITH_USER:
        fail(f"{code} is not active: `firstbuy institution onboard {code}`")
    kafka_side = _cluster(url)
    check_folder(out)
    password = carried_out(kafka_side.rotate(code))
    hand_over(kafka_side, [code], {code: password} if password else {}, out, bootstrap, as_json=as_json)


@app.command()
def suspend(code: Code, reason: Reason = None, url: Url = None, token: Token = None) -> None:
    """It can't send any more. What is in its inbox stays, and it still hears."""
    carried_out(_cluster(url).suspend(code))
    _move(code, InstitutionStatus.SUSPENDED, reason, url, token)


@app.command()
def resume(code: Code, reason: Reason = None, url: Url = None, token: Token = None) -> None:
    """Let a suspended one send again."""
    _move(code, InstitutionStatus.ACTIVE, reason, url, token)
    carried_out(_cluster(url).resume(code))


@app.command()
def leave(code: Code, reason: Reason = None, url: Url = None, token: Token = None) -> None:
    """Its user goes; its topics stay, for what it sent is part of rounds."""
    carried_out(_cluster(url).leave(code))
    _move(code, InstitutionStatus.LEFT, reason, url, token)


@app.command()
def amend(
    code: Code,
    pledge: Pledges = None,
    round_id: RoundId = None,
    reason: Reason = None,
    url: Url = None,
    token: Token = None,
) -> None:
    """Change what it pledges. What is pledged to other rounds stays, and so does a frozen round's."""
    pledges = dict(_pledge(stated, round_id) for stated in pledge or [])
    if not pledges:
        fail("--pledge says what it pledges now", 2)
    _register(Listed(code, None, pledges), [None], url, operator_token(token, url), reason)
    console.print(f"{code} pledges " + ", ".join(f"{won:,} won to {of}" for of, won in pledges.items()))


@app.command()
def rename(
    code: Code,
    name: Annotated[str, typer.Argument(help="Its full name from now on.")],
    reason: Annotated[str, typer.Option(help="Why; kept in the audit log.")],
    url: Url = None,
    token: Token = None,
) -> None:
    """Give a registered institution another name. No list, round file or announcement does."""
    body = {"name": name, "reason": reason}
    renamed = ask("PUT", f"/institutions/{code}/name", url=url, token=operator_token(token, url), body=body)
    console.print(f"{code} is {renamed['name']}")


@app.command("list")
def list_institutions(url: Url = None, token: Token = None, as_json: AsJson = False) -> None:
    """Those that are known, and how far each has come; with a token of the office also what they pledged to rounds that
    are not announced."""
    known = ask("GET", "/institutions", url=url, token=token)
    if as_json:
        print_json(known)
        return
    for institution in known:
        console.print(f"{institution['institution']:<16} {institution['status']:<11} {institution['name']}")


@app.command("plan")
def whole_plan(
    cluster: Strimzi = "firstbuy",
    quota: Annotated[int, typer.Option(min=1, help="Bytes a second each may send to a broker.")] = QUOTA,
    url: Url = None,
) -> None:
    """All topics and users of the deployment and of every institution, as Strimzi resources to apply."""
    known = statuses(url)
    codes = [code for code, status in known.items() if status in WITH_USER]
    print_plan(codes, known, cluster, quota, shared=True)


def statuses(url: str | None) -> dict[str, InstitutionStatus]:
    return {
        institution["institution"]: InstitutionStatus(institution["status"])
        for institution in ask("GET", "/institutions", url=url)
    }


def _wanted(
    code: str | None,
    name: str | None,
    pledge: list[str] | None,
    round_id: str | None,
    file: Path | None,
    contacts: tuple[Person, ...],
    webhook: str | None,
) -> Sequence[Listed]:
    if (code is None) == (file is None):
        fail("name an institution, or a --file of them", 2)
    if code is not None:
        pledges = dict(_pledge(stated, round_id) for stated in pledge or [])
        return [Listed(code, name, pledges, contacts, webhook)]
    if name or pledge or contacts or webhook:
        fail("names, pledges, contacts and webhooks of many are in their file", 2)
    try:
        return read_list(file, round_id) if file else []
    except UnreadableListError as error:
        fail(str(error))


def _register(
    listed: Listed,
    steps: Sequence[InstitutionStatus | None],
    url: str | None,
    token: str | None,
    reason: str | None = None,
) -> None:
    stated: dict[str, Any] = {"pledges": [{"round": of, "won": won} for of, won in listed.pledges.items()]}
    stated |= {key: value for key, value in (("name", listed.name), ("reason", reason)) if value}
    answer: dict[str, Any] = {}
    for status in steps:
        body = stated | ({"status": status.value} if status else {})
        answer = ask("PUT", f"/institutions/{listed.code}", url=url, token=token, body=body)
    print_warnings(answer)


def _move(code: str, status: InstitutionStatus, reason: str | None, url: str | None, token: str | None) -> None:
    _register(Listed(code), [status], url, operator_token(token, url), reason)
    console.print(f"{code} is {status}")


def _cluster(url: str | None) -> Cluster:
    found = operator_kafka(url)
    if found is None:
        fail("name Kafka, and a user that may alter users and rights, by FIRSTBUY_KAFKA_…")
    return Cluster(*found)


def _pledge(given: str, round_id: str | None) -> tuple[str, int]:
    named, separator, won = given.rpartition("=")
    named = named if separator else round_id or ""
    sum_won = as_written.whole(won.replace("_", "").replace(",", "") if "_" in won else won)
    if not named or isinstance(sum_won, as_written.Wrong):
        fail(f"--pledge {given}: write ROUND=WON, such as 2018-h2=500000000, or WON with --round", 2)
    return as_written.plain(named), sum_won
