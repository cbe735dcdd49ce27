"""`firstbuy`. A command is a function in a module of `firstbuy/commands/`; it becomes one by a line in `COMMANDS`, a
group of commands (`firstbuy round …`) by a line in `GROUPS`, which names the modules that its commands stand in."""

from collections.abc import Callable
from importlib import metadata
from typing import Annotated, Any

import typer

from firstbuy.commands import (
    acts,
    appeals,
    applicants,
    apply,
    audit,
    backup,
    contacts,
    deciding,
    demo,
    dlq,
    doctor,
    identity,
    institutions,
    lag,
    local,
    notices,
    planning,
    policies,
    results,
    rounds,
    scores,
    simulate,
    support_bundle,
    tokens,
    top,
    uploads,
    verify,
)
from shared.contracts.events import Language
from shared.wording.spoken import speak

COMMANDS: dict[str, Callable[..., Any]] = {
    "up": local.up,
    "down": local.down,
    "status": applicants.status,
    "logs": local.logs,
    "doctor": doctor.doctor,
    "top": top.top,
    "lag": lag.lag,
    "backup": backup.backup,
    "restore": backup.restore,
    "support-bundle": support_bundle.support_bundle,
    "demo": demo.demo,
    "apply": apply.apply,
    "change": applicants.change,
    "withdraw": applicants.withdraw,
    "proof": applicants.proof,
    "identity": identity.identity,
    "lost-token": identity.lost_token,
    "pledges": results.pledges,
    "purchases": results.purchases,
    "simulate": simulate.simulate,
}
GROUPS: dict[str, tuple[typer.Typer, ...]] = {
    "round": (rounds.app, deciding.app, acts.app, results.app),
    "appeal": (appeals.app,),
    "score": (scores.app,),
    "institution": (institutions.app, uploads.app),
    "token": (tokens.app,),
    "contact": (contacts.app,),
    "notify": (notices.app,),
    "policy": (policies.app,),
    "verify": (verify.app,),
    "audit": (audit.app,),
    "dlq": (dlq.app,),
    "plan": (planning.app,),
}


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"firstbuy {metadata.version('firstbuy')}")
        raise typer.Exit


Version = Annotated[
    bool, typer.Option("--version", help="Say which version this is.", callback=_print_version, is_eager=True)
]


Spoken = Annotated[
    Language,
    typer.Option("--language", envvar="FIRSTBUY_LANGUAGE", help="Of refusals and failures: Korean or English."),
]


def options(version: Version = False, language: Spoken = Language.EN) -> None:
    speak(language)


def assembled() -> typer.Typer:
    """The whole command: every line of `COMMANDS` and `GROUPS`."""
    app = typer.Typer(
        name="firstbuy",
        help="Runs a public pilot-purchase programme: apply, judge, draw, match, tell everyone, with proof.",
        no_args_is_help=True,
        pretty_exceptions_show_locals=False,  # they may hold passwords and personal data
    )
    app.callback()(options)
    for name, command in COMMANDS.items():
        app.command(name)(command)
    for name, (group, *more) in GROUPS.items():
        together = typer.Typer(help=group.info.help, no_args_is_help=True)
        together.registered_commands = [command for part in (group, *more) for command in part.registered_commands]
        app.add_typer(together, name=name)
    return app


def main() -> None:
    assembled()()


if __name__ == "__main__":
    main()
