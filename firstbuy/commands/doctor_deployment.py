"""`firstbuy doctor --deployment`: whether a deployment is as declared, line by line, with what to do."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

import typer
from rich.table import Table
from rich.text import Text

from firstbuy.commands.operator import operator_kafka
from firstbuy.commands.replicas import local_stack, replicas
from firstbuy.commands.screen import console, fail, print_json
from firstbuy.diagnosis.check import Check, State
from firstbuy.diagnosis.deployment import Named, examined
from firstbuy.diagnosis.outside import REGISTRIES, SMTP, STORE
from firstbuy.diagnosis.services import address_variable
from services.intake.settings import DocumentStoreSettings
from shared.contracts.access import SERVICES
from shared.service.settings_files import UnreadableSettingError, in_files

_KAFKA: Final = "FIRSTBUY_KAFKA_BOOTSTRAP_SERVERS"
_DATABASES: Final = {service: f"FIRSTBUY_{service.upper()}_DATABASE_URL" for service in SERVICES}
_ADDRESSES: Final = {service: address_variable(service) for service in SERVICES}
_PREFIX: Final = "FIRSTBUY_"
_OF_STORE: Final = tuple(f"FIRSTBUY_INTAKE_{field.upper()}" for field in DocumentStoreSettings.model_fields)
_MARKS: Final = {
    State.OK: Text("✓", "green"),
    State.WRONG: Text("✗", "red"),
    State.NOT_ASKED: Text("–", "yellow"),
}


def examine_deployment(metrics: list[str] | None, *, as_json: bool) -> None:
    """Prints every check; exit code 1 where anything is wrong."""
    try:
        checks = asyncio.run(examined(_named(metrics, _with_files(os.environ))))
    except UnreadableSettingError as error:
        fail(str(error))
    if as_json:
        print_json([asdict(check) for check in checks])
    else:
        _show(checks)
    if any(check.state is State.WRONG for check in checks):
        raise typer.Exit(1)


def _show(checks: Sequence[Check]) -> None:
    table = Table("", "what", "found", "what to do")
    for check in checks:
        found = f"not asked: {check.found}" if check.state is State.NOT_ASKED else check.found
        table.add_row(_MARKS[check.state], check.subject, found, check.fix)
    console.print(table)
    count = {state: sum(check.state is state for check in checks) for state in State}
    console.print(", ".join(f"{number} {state}" for state, number in count.items()))


def _with_files(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment, with settings that stand in files."""
    asked = (*_DATABASES.values(), *REGISTRIES, SMTP, *_OF_STORE)
    fields = [variable.removeprefix(_PREFIX).lower() for variable in asked]
    found = in_files(_PREFIX, fields, environment)
    return {**environment, **{f"{_PREFIX}{field.upper()}": value for field, value in found.items()}}


def _named(metrics: list[str] | None, environment: Mapping[str, str]) -> Named:
    """What the environment and --from name; where they name nothing, the local stack that runs. The two are never
    mixed."""
    addresses = {service: url for service, variable in _ADDRESSES.items() if (url := environment.get(variable))}
    databases = {service: url for service, variable in _DATABASES.items() if (url := environment.get(variable))}
    if metrics or addresses or databases or _KAFKA in environment:
        asked = replicas(metrics) if metrics else [(service, url.rstrip("/")) for service, url in addresses.items()]
        kafka = operator_kafka("named") if _KAFKA in environment else None
        return Named(asked, kafka, databases, environment)
    asked = replicas(None)
    running: dict[str, Any] = local_stack() or {}
    here = {STORE: running["documents"], **environment} if "documents" in running else environment
    return Named(asked, operator_kafka(None), running.get("databases", {}), here)
