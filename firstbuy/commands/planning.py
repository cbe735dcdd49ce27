"""`firstbuy plan`: what Kubernetes is to apply. It asks nobody and changes nothing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer

from firstbuy.commands.screen import fail
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
