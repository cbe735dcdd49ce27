"""`firstbuy plan`: what Kubernetes is to apply. It asks nobody and changes nothing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer
from rich import box
from rich.table import Table

from firstbuy.commands.screen import console, fail
from firstbuy.planning.capacity import Rush, needed, played
from firstbuy.planning.scaling import scaled
from firstbuy.planning.strimzi import UnplannableError, plan
from shared.service.settings import DeploymentSettings, KafkaSettings

app = typer.Typer(help="What Kubernetes is to apply: Kafka's topics and users, and the scaling of replicas.")
Partitions = Annotated[
    int,
    typer.Option(min=0, envvar="FIRSTBUY_KAFKA_PARTITIONS", help="Of topics spread by key; 0: as declared (6 or 12)."),
]


@app.command("kafka")
def kafka(
    cluster: Annotated[str, typer.Option(help="The Kafka resource's name.")] = "main",
    partitions: Partitions = 0,
) -> None:
    """The deployment's topics, and the services' users with their rights, as Strimzi's KafkaTopic and KafkaUser.

    Institutions come later: `firstbuy institution plan` has all there is.
    """
    copies = KafkaSettings().replication_factor or 3
    try:
        made = plan(
            DeploymentSettings().topic_prefix, cluster, copies, joining=(), quota=0, shared=True, partitions=partitions
        )
    except UnplannableError as error:
        fail(str(error))
    typer.echo(made, nl=False)


@app.command("scaling")
def scaling(
    bootstrap: Annotated[str, typer.Option(help="Kafka's address inside the cluster.")] = "main-kafka-bootstrap:9093",
    partitions: Partitions = 0,
    least: Annotated[int, typer.Option(min=1, help="Replicas of each service when nothing waits.")] = 2,
    most: Annotated[int, typer.Option(min=1, help="Replicas of each service at most; cut to the partitions.")] = 12,
    close: Annotated[
        list[str] | None,
        typer.Option(help="A round's close (2018-09-14T18:00+09:00): replicas stand still around it. Repeatable."),
    ] = None,
) -> None:
    """KEDA's ScaledObjects: replicas follow what waits in Kafka, and stand at their most from two hours before a close
    to one after it."""
    if least > most:
        fail(f"--least {least} is more than --most {most}", 2)
    typer.echo(
        scaled(DeploymentSettings().topic_prefix, bootstrap, partitions, least, most, _moments(close or ())), nl=False
    )


@app.command("capacity")
def capacity(
    applications: Annotated[int, typer.Option(min=1, help="Applications of the largest round to come.")],
    share: Annotated[float, typer.Option(min=0.001, max=1, help="Of them, what part comes in the last minutes.")] = 0.2,
    minutes: Annotated[float, typer.Option(min=1, help="How many minutes these are.")] = 10.0,
) -> None:
    """Replicas, partitions, connections and disks of a round, and how its last minutes go with them.

    From what one application costs (docs/scaling.md): measure it on your machines with `tests/bench/costs.py`.
    """
    rush = Rush(share=share, minutes=minutes)
    need = needed(applications, rush)
    went = played(applications, rush, need.replicas)
    table = Table(title=f"{applications:,} applications, {need.a_second:,.0f} a second at the peak", box=box.SIMPLE)
    for name in ("", "replicas", "connections to PostgreSQL", "database"):
        table.add_column(name, justify="right" if name else "left")
    for service, replicas in need.replicas.items():
        disk = _gibibytes(need.database_bytes[service])
        table.add_row(service, f"{replicas:,}", f"{need.connections[service]:,}", disk)
    console.print(table)
    servers = ", ".join(f"{name} {count:,.1f}" for name, count in need.server_processors.items())
    console.print(f"partitions of spread topics: {need.partitions:,} (FIRSTBUY_KAFKA_PARTITIONS)")
    console.print(f"processors of the servers at the peak, all together: {servers}")
    console.print(f"disk of each of three brokers, for ten years: {_gibibytes(need.broker_bytes)}")
    console.print(
        f"the rush, played: an answer waits {went.answer:.1f} s at most, a verdict {went.verdict:.1f} s; all is judged "
        f"{went.emptied:.0f} s after the close"
    )


def _gibibytes(size: int) -> str:
    return f"{size / 2**30:,.1f} GiB"


def _moments(given: Sequence[str]) -> list[datetime]:
    moments = []
    for text in given:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            fail(f"--close {text}: write a moment with its zone, as 2018-09-14T18:00+09:00", 2)
        if moment.tzinfo is None:
            fail(f"--close {text}: it has no zone; write 2018-09-14T18:00+09:00", 2)
        moments.append(moment)
    return moments
