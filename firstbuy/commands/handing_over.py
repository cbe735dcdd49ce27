"""What whoever onboards hands over: a client configuration with its password, or a plan for those who run Kafka."""

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import typer

from firstbuy.commands.screen import console, errors, fail, print_json
from firstbuy.onboarding.client import ClientConfiguration
from firstbuy.onboarding.cluster import Cluster
from firstbuy.planning.strimzi import UnplannableError, plan
from shared.contracts.events import InstitutionStatus
from shared.service.settings import DeploymentSettings, KafkaSettings

WITHOUT_TOPICS = {InstitutionStatus.INTERESTED, InstitutionStatus.AGREED}


def check_folder(out: Path | None) -> None:
    """Before a password is made, which is shown once: whether it can be written there."""
    if out is None:
        return
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=out):
            pass
    except OSError as error:
        fail(f"--out {out}: {error.strerror}; nothing was changed", 2)


def hand_over(
    kafka_side: Cluster,
    codes: Sequence[str],
    passwords: Mapping[str, str],
    out: Path | None,
    bootstrap: str | None,
    secrets: Mapping[str, str] = MappingProxyType({}),
    *,
    as_json: bool,
) -> None:
    """`secrets`: of webhooks that are new, by institution."""
    kafka = kafka_side.kafka
    if bootstrap:
        kafka = kafka.model_copy(update={"bootstrap_servers": bootstrap})
    given = [ClientConfiguration(kafka, kafka_side.prefix, code, passwords.get(code)) for code in codes]
    if out is not None:
        for handed in given:
            if handed.password is not None or not kafka.secured:
                handed.write(out)
        errors.print(f"{len(passwords)} new passwords, in {out}, where they are read by you alone")
    if as_json:
        shown = {} if out is not None else secrets
        print_json([_as_json(handed, shown.get(handed.code), with_secret=out is None) for handed in given])
    elif out is None:
        for handed in given:
            _show(handed)
            if handed.code in secrets:
                console.print(f"The secret of its webhook, this once: {secrets[handed.code]}")


def _as_json(configuration: ClientConfiguration, webhook_secret: str | None, *, with_secret: bool) -> dict[str, Any]:
    told: dict[str, Any] = {
        "institution": configuration.code,
        "inbox": configuration.inbox,
        "outbox": configuration.outbox,
    }
    told |= {"webhook_secret": webhook_secret} if webhook_secret else {}
    if not configuration.kafka.secured:
        return told
    told |= {"user": configuration.user, "new_password": configuration.password is not None}
    return told | (
        {"password": configuration.password, "properties": configuration.properties()}
        if with_secret and configuration.password
        else {}
    )


def _show(configuration: ClientConfiguration) -> None:
    console.print(f"{configuration.code} writes to {configuration.inbox}")
    console.print(f"{configuration.code} reads {configuration.outbox}")
    if not configuration.kafka.secured:
        console.print("This Kafka asks nobody who they are: there is no user to make, and no right.")
    elif configuration.password is None:
        code = configuration.code
        told = f"Its user {configuration.user} has its password: `firstbuy institution rotate {code}` gives another."
        console.print(told)
        return
    else:
        console.print("Its password is here, this once:", style="bold")
    for title, text in (
        ("client.properties (Java, Spring)", configuration.properties()),
        ("librdkafka", configuration.librdkafka()),
    ):
        console.print(f"\n--- {title}", style="dim")
        console.print(text, end="")


def print_plan(
    joining: Sequence[str], known: Mapping[str, InstitutionStatus], cluster: str, quota: int, *, shared: bool = False
) -> None:
    """Prints what others are to apply to Kafka, and changes nothing."""
    suspended = [code for code, status in known.items() if status is InstitutionStatus.SUSPENDED]
    there = [code for code, status in known.items() if status not in WITHOUT_TOPICS]
    kafka = KafkaSettings()
    copies = kafka.replication_factor or 3
    try:
        typer.echo(
            plan(
                DeploymentSettings().topic_prefix,
                cluster,
                copies,
                joining=joining,
                known=there,
                suspended=suspended,
                quota=quota,
                shared=shared,
                partitions=kafka.partitions,
            )
        )
    except UnplannableError as error:
        fail(str(error))
