"""A time-stamp authority (RFC 3161) for tests: `openssl ts` behind HTTP, with a throw-away root of its own."""

import hashlib
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_CONFIG = """
[tsa]
default_tsa = tsa_config
[tsa_config]
serial = {folder}/serial
default_policy = 1.2.3.4.1
digests = sha256
signer_digest = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
"""


class TimestampAuthority:
    """Its root, its signer, and what it does with a query before it answers; `url` while it serves."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        folder.mkdir()
        self.port = 0
        self.asked = 0
        self.altered: Callable[[bytes], bytes] = lambda query: query
        self.answer: Callable[[bytes], bytes] = self.stamped
        self.root = folder / "root.pem"
        self.root_key = key = ec.generate_private_key(ec.SECP256R1())
        issuer = _named(f"{name} root")
        root = _certificate(issuer, issuer, key, key).add_extension(
            x509.BasicConstraints(ca=True, path_length=0), critical=True
        )
        self.root.write_bytes(root.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
        signing = ec.generate_private_key(ec.SECP256R1())
        signer = _certificate(_named(name), issuer, signing, key).add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True
        )
        (folder / "signer.pem").write_bytes(signer.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
        (folder / "signer.key").write_bytes(signing.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        (folder / "ts.cnf").write_text(_CONFIG.format(folder=folder))
        (folder / "serial").write_text("01\n")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/tsa"

    def stamped(self, query: bytes) -> bytes:
        """What `answer` is, until a test replaces it."""
        self.asked += 1
        file = self.folder / f"query-{self.asked}"
        file.write_bytes(self.altered(query))
        words: list[str | Path] = ["openssl", "ts", "-reply", "-queryfile", file, "-config", self.folder / "ts.cnf"]
        words += ["-signer", self.folder / "signer.pem", "-inkey", self.folder / "signer.key"]
        return subprocess.run(words, check=True, capture_output=True).stdout

    @contextmanager
    def serving(self) -> Iterator["TimestampAuthority"]:
        """On the port it had before, if it had one: away, and back again."""
        authority = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                query = self.rfile.read(int(self.headers["Content-Length"]))
                right = self.headers["Content-Type"] == "application/timestamp-query"
                content = authority.answer(query) if right else b""
                self.send_response(200 if right else 415)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Quiet."""

        server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self.port = server.server_port
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def over_another_digest(query: bytes, root: str) -> bytes:
    """The query as if it had asked for something else, under the same nonce."""
    asked = hashlib.sha256(bytes.fromhex(root)).digest()
    assert asked in query
    return query.replace(asked, hashlib.sha256(b"something else").digest())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, issuers: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuers.public_key()), critical=False)
    )
