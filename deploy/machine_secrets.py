"""The secrets and certificates of one machine, made once: what `deploy/compose.yaml` and the units of `deploy/systemd`
read.

python -m deploy.machine_secrets FOLDER [--kafka HOST …] [--postgres HOST …] [--authority PATH]

What is there already stays as it is; delete a file and run it again to have another. The folder is the owner's alone;
the files in it can be read by all, since a container's user is another than the folder's owner and gets each file
singly. Two are never given to a container and stay the owner's: `authority.key` and `operator-token`.
"""

import argparse
import base64
import hashlib
import os
import secrets
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from shared.contracts.access import SERVICES

AUTHORITY_DAYS: Final = 3650
SERVER_DAYS: Final = 825
OWNERS_ALONE: Final = ("authority.key", "operator-token")
TRUSTED: Final = "/run/secrets/authority.pem"
MAIL_CATCHER: Final = "smtp://mail:1025"
"""The address of a real server may have a password: so it stands in a file."""
PROPERTIES: Final = "/etc/firstbuy/kafka.properties"
Key = ec.EllipticCurvePrivateKey


def password() -> str:
    """Random, and safe in an address and in a properties file."""
    return secrets.token_urlsafe(32)


class Folder:
    """Makes a file that is not there yet; reads one that is."""

    def __init__(self, path: Path) -> None:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.chmod(0o700)
        self.path = path
        self.made: list[str] = []

    def file(self, name: str, make: Callable[[], str]) -> str:
        """The file's text. It appears whole, by rename."""
        path = self.path / name
        if not path.exists():
            partial = self.path / f".{name}.partial"
            partial.unlink(missing_ok=True)
            mode = 0o600 if name in OWNERS_ALONE else 0o444
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(make())
            partial.chmod(mode)  # whatever the umask is
            partial.rename(path)
            self.made.append(name)
        return path.read_text(encoding="utf-8")


def pem_of(key: Key) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def read_key(text: str) -> Key:
    """The private key in a PEM text, which may have a certificate behind it."""
    key = load_pem_private_key(text.encode(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("the key is of another kind")
    return key


def certificate(subject: str, key: Key, issuer: x509.Name, signer: Key, days: int, hosts: Sequence[str]) -> str:
    """A server's certificate; without hosts an authority's."""
    now = datetime.now(UTC)
    usage = dict.fromkeys(("content_commitment", "data_encipherment", "encipher_only", "decipher_only"), False)
    authority = not hosts
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=0 if authority else None), critical=True)
        .add_extension(
            x509.KeyUsage(
                **usage,
                digital_signature=not authority,
                key_encipherment=False,
                key_agreement=not authority,
                key_cert_sign=authority,
                crl_sign=authority,
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if hosts:
        names = x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts])
        builder = builder.add_extension(names, critical=False)
        purposes = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = builder.add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
    return builder.sign(signer, hashes.SHA256()).public_bytes(Encoding.PEM).decode()


def make(folder: Folder, kafka_hosts: Sequence[str], postgres_hosts: Sequence[str], trusted: str) -> None:
    """Everything that is missing in the folder."""
    signer = read_key(folder.file("authority.key", lambda: pem_of(ec.generate_private_key(ec.SECP256R1()))))
    name = "Firstbuy, authority of one machine"
    itself = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    authority = folder.file("authority.pem", lambda: certificate(name, signer, itself, signer, AUTHORITY_DAYS, ()))
    issuer = x509.load_pem_x509_certificate(authority.encode()).subject
    for server, hosts in (("kafka", kafka_hosts), ("postgres", postgres_hosts)):
        _server(folder, server, hosts, issuer, signer)
    _kafka(folder)
    for service in SERVICES:
        folder.file(f"{service}-kafka-password", password)
    for service in (*SERVICES, "portal"):
        secret = folder.file(f"{service}-database-password", password)
        folder.file(f"{service}-database-url", lambda s=service, p=secret: _url(s, p, postgres_hosts[0], trusted))  # type: ignore[misc]
    folder.file("postgres-admin-password", password)
    folder.file("grafana-admin-password", password)
    folder.file("smtp-url", lambda: MAIL_CATCHER)
    folder.file("portal-sealing-key", password)
    for name in ("operator-token", "portal-edge-token"):
        token = folder.file(name, password)
        folder.file(f"{name}-hash", lambda told=token: hashlib.sha256(told.encode()).hexdigest())  # type: ignore[misc]


def _server(folder: Folder, server: str, hosts: Sequence[str], issuer: x509.Name, signer: Key) -> None:
    """Its key with the certificate behind it, in one file, as Kafka reads it and PostgreSQL too."""

    def pair() -> str:
        key = ec.generate_private_key(ec.SECP256R1())
        return pem_of(key) + certificate(hosts[0], key, issuer, signer, SERVER_DAYS, hosts)

    folder.file(f"{server}.pem", pair)


def _kafka(folder: Folder) -> None:
    """The passwords of the admin, who makes all users, and of the controller; and what formats the storage."""
    admin = folder.file("kafka-admin-password", password)
    folder.file("kafka-controller-password", password)
    cluster = base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
    told = ("format", "--ignore-formatted", f"--cluster-id={cluster}", f"--config={PROPERTIES}")
    user = f"--add-scram=SCRAM-SHA-256=[name=admin,password={admin}]"
    folder.file("kafka-format", lambda: "".join(f"{word}\n" for word in (*told, user)))


def _url(service: str, secret: str, host: str, trusted: str) -> str:
    """Of the service's own database, as its own user, over TLS with the server's name checked."""
    name = f"firstbuy_{service}"
    checks = f"sslmode=verify-full&sslrootcert={trusted}"
    return f"postgresql://{name}:{secret}@{host}:5432/{name}?{checks}"


def main(arguments: Sequence[str]) -> int:
    """Makes what is missing, and says what it made."""
    options = argparse.ArgumentParser(prog="python -m deploy.machine_secrets", description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("--kafka", nargs="+", default=["kafka", "localhost"], help="names of the broker")
    options.add_argument(
        "--postgres", nargs="+", default=["postgres", "localhost"], help="names of the database server"
    )
    options.add_argument("--authority", default=TRUSTED, help="where services find authority.pem")
    given = options.parse_args(arguments)
    folder = Folder(given.folder)
    make(folder, given.kafka, given.postgres, given.authority)
    print(f"{given.folder}: made {', '.join(folder.made) or 'nothing, all is there'}")  # noqa: T201 -- a command
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
