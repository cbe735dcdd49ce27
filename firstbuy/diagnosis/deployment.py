"""A whole deployment: every part that is named here is asked, and compared with what is declared."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata

from firstbuy.diagnosis.asking.databases import databases
from firstbuy.diagnosis.asking.kafka import KafkaAsked, KafkaUnaskedError
from firstbuy.diagnosis.asking.outside import document_store, mail_server, registry
from firstbuy.diagnosis.asking.services import replicas
from firstbuy.diagnosis.check import Check, not_asked, wrong
from firstbuy.diagnosis.databases import compare_databases
from firstbuy.diagnosis.outside import REGISTRIES, SMTP, STORE, compare_mail, compare_registry, compare_store
from firstbuy.diagnosis.rights import compare_rights
from firstbuy.diagnosis.services import ReplicaFound, compare_services
from firstbuy.diagnosis.topics import compare_brokers, compare_copies, compare_topics, institutions
from services.intake.settings import DocumentStoreSettings
from shared.service.mail_server import MailServerAddress
from shared.service.settings import KafkaSettings


@dataclass(frozen=True, slots=True)
class Named:
    """The parts of a deployment that are named here. `replicas`: (service, URL). `environment`: for addresses of the
    mail server and of registries."""

    replicas: Sequence[tuple[str, str]]
    kafka: tuple[KafkaSettings, str] | None
    databases: Mapping[str, str]
    environment: Mapping[str, str]


async def examined(named: Named) -> list[Check]:
    """One line for each thing compared, in the order of services, Kafka, databases, others."""
    found, cluster, stored, others = await asyncio.gather(
        replicas(named.replicas), _kafka(named.kafka), databases(named.databases), _others(named.environment)
    )
    served = compare_services(found, metadata.version("firstbuy"), datetime.now(UTC))
    return [*served, *cluster, *compare_databases(stored, _pools(found)), *others]


def _pools(found: Sequence[ReplicaFound]) -> dict[str, list[int]]:
    """By service, the most connections of each replica that has counted them: not in its first seconds."""
    pools: dict[str, list[int]] = {}
    for each in found:
        for name, labels, value in each.samples():
            if name == "firstbuy_database_connections" and labels.get("state") == "most" and value:
                pools.setdefault(each.service, []).append(int(value))
    return pools


async def _kafka(named: tuple[KafkaSettings, str] | None) -> list[Check]:
    if named is None:
        return [not_asked("Kafka", "FIRSTBUY_KAFKA_BOOTSTRAP_SERVERS is not set here")]
    kafka, prefix = named
    asked = KafkaAsked(kafka)
    try:
        found = await asked.cluster(prefix)
        checks = [
            *compare_brokers(found, secured=kafka.secured),
            *compare_topics(found, prefix, kafka.partitions),
            *compare_copies(found, prefix),
        ]
        if not kafka.secured:
            return [*checks, not_asked("rights", "nobody logs in: FIRSTBUY_KAFKA_SECURITY_PROTOCOL")]
        return [*checks, *compare_rights(await asked.acls(), prefix, institutions(found.topics, prefix))]
    except KafkaUnaskedError as error:
        return [wrong("Kafka", str(error), "FIRSTBUY_KAFKA_…: yours; docs/operators.md, Kafka: who may what")]


async def _others(environment: Mapping[str, str]) -> list[Check]:
    checks = [await _mail(environment.get(SMTP, "")), await _documents(environment)]
    for variable in REGISTRIES:
        url = environment.get(variable, "")
        found = await registry(url) if url else None
        checks.append(compare_registry(variable, found, datetime.now(UTC)))
    return checks


async def _documents(environment: Mapping[str, str]) -> Check:
    if not environment.get(STORE):
        return compare_store(None)
    prefix = str(DocumentStoreSettings.model_config["env_prefix"])
    variables = {field: f"{prefix}{field.upper()}" for field in DocumentStoreSettings.model_fields}
    given = {field: environment[name] for field, name in variables.items() if name in environment}
    return compare_store(await document_store(DocumentStoreSettings.model_validate(given)))


async def _mail(url: str) -> Check:
    if not url:
        return compare_mail(None, "", datetime.now(UTC))
    try:
        address = MailServerAddress.parse(url)
    except ValueError as error:
        return wrong("mail", f"{SMTP} {error}", f"{SMTP}=smtp+starttls://user:password@host:port")
    return compare_mail(await mail_server(address), address.scheme, datetime.now(UTC))
