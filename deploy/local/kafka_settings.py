"""Broker settings common to the container and the local process: one combined KRaft node, every topic with one copy.

Whoever connects says who it is: clients and the broker itself by SCRAM, the controller by PLAIN, since SCRAM users are
in the log that the controller is about to open. Nothing is allowed that no ACL allows. Without a certificate there is
no TLS: it is one machine.
"""

from collections.abc import Sequence

from pydantic import SecretStr

from deploy.local.certificate import Certificate
from deploy.local.state import State
from shared.service.settings import KafkaSettings, SaslMechanism, SecurityProtocol

ADMIN = "admin"
"""Made when the storage is formatted, and may do everything; it makes all other users."""
BROKER_SETTINGS = {
    "node.id": "1",
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "BROKER",
    "auto.create.topics.enable": "false",
    # The internal topics' defaults ask for three brokers.
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "5",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "1",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "1",
    "group.initial.rebalance.delay.ms": "0",
    # Thousands of partitions in a small heap: without these two it dies of fetch purgatory.
    "fetch.purgatory.purge.interval.requests": "20",
    "log.cleaner.dedupe.buffer.size": "16777216",
    "message.max.bytes": "4194304",
}

HEAP = "-Xmx512m"


_MODULES = "org.apache.kafka.common.security"


def security_settings(state: State, client_listeners: Sequence[str]) -> dict[str, str]:
    """With the admin's and the controller's passwords in clear: for a file of mode 0600."""
    scram = f"{_MODULES}.scram.ScramLoginModule required {_login(ADMIN, state.secret('kafka-admin'))};"
    password = state.secret("kafka-controller")
    plain = f'{_MODULES}.plain.PlainLoginModule required {_login("controller", password)} user_controller="{password}";'
    listeners = ("CONTROLLER", *client_listeners)
    return {
        "listener.security.protocol.map": ",".join(f"{name}:SASL_PLAINTEXT" for name in listeners),
        "sasl.enabled.mechanisms": "SCRAM-SHA-256",
        "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-256",
        "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.controller.protocol": "PLAIN",
        "listener.name.controller.plain.sasl.jaas.config": plain,
        **{f"listener.name.{name.lower()}.scram-sha-256.sasl.jaas.config": scram for name in client_listeners},
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "allow.everyone.if.no.acl.found": "false",
        "super.users": f"User:{ADMIN};User:controller",
    }


def over_tls(settings: dict[str, str], listener: str, certificate: Certificate) -> dict[str, str]:
    """The same settings, with the listener's clients served over TLS alone."""
    plain, encrypted = f"{listener}:{SecurityProtocol.SASL_PLAINTEXT}", f"{listener}:{SecurityProtocol.SASL_SSL}"
    protocols = settings["listener.security.protocol.map"].replace(plain, encrypted)
    store = f"listener.name.{listener.lower()}.ssl.keystore"
    return settings | {
        "listener.security.protocol.map": protocols,
        f"{store}.type": "PEM",
        f"{store}.location": str(certificate.server),
    }


def _login(user: str, password: str) -> str:
    return f'username="{user}" password="{password}"'


def admin_settings(state: State, bootstrap_servers: str, authority: str = "") -> KafkaSettings:
    """How the admin reaches a broker that was started with these settings; over TLS if there is an authority."""
    return KafkaSettings(
        bootstrap_servers=bootstrap_servers,
        security_protocol=SecurityProtocol.SASL_SSL if authority else SecurityProtocol.SASL_PLAINTEXT,
        sasl_mechanism=SaslMechanism.SCRAM_SHA_256,
        sasl_username=ADMIN,
        sasl_password=SecretStr(state.secret("kafka-admin")),
        ssl_ca_file=authority,
    )


def format_arguments(state: State, classpath: str, cluster: str, properties: str) -> str:
    """A Java argument file (`java @file`) that formats the storage and makes the admin: on a command line every user of
    the machine could read its password."""
    admin = f"SCRAM-SHA-256=[name={ADMIN},password={state.secret('kafka-admin')}]"
    tool = ["kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", properties, "--add-scram", admin]
    return "".join(f'"{argument}"\n' for argument in ("-cp", classpath, *tool))


def as_properties(settings: dict[str, str]) -> str:
    return "".join(f"{name}={value}\n" for name, value in settings.items())
