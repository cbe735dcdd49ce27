"""The example of what stands before the services (`deploy/proxy/nginx.conf`) in a real nginx, before real services."""

import asyncio
import datetime as dt
import os
import socket
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from deploy.local.kafka_choice import required
from deploy.local.stack import Stack
from deploy.local.state import PROJECT, State
from tests.support import nginx
from tests.support.debian import NoPackageError
from tests.support.stacks import LastingStack
from tests.support.told import Section, tell

pytestmark = pytest.mark.xdist_group("proxy")  # one stack and one nginx for the whole file
EXAMPLE = PROJECT / "deploy/proxy/nginx.conf"
SERVICES = ("intake", "eligibility", "selection", "notify")
APPLY, RESULTS = "apply.firstbuy.example", "results.firstbuy.example"
ROUND = "0b5ed0a2-6a30-4b3b-9a1f-53a5c07b9c55"
OF_PEER = 3
"""Connections that a client may have at a service: the proxy has more."""
FRAME = """
worker_processes 1;
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/bodies;
    proxy_temp_path {folder}/answers;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/firstbuy.conf;
}}
"""


@dataclass(frozen=True, slots=True)
class Proxy:
    plain: int
    secure: int
    trusted: ssl.SSLContext

    def client(self, name: str, **given: object) -> httpx2.AsyncClient:
        headers = {"Host": name}
        extensions = {"sni_hostname": name}

        async def named(request: httpx2.Request) -> None:
            request.extensions |= extensions

        return httpx2.AsyncClient(
            base_url=f"https://127.0.0.1:{self.secure}",
            verify=self.trusted,
            headers=headers,
            event_hooks={"request": [named]},
            **given,  # type: ignore[arg-type]
        )


@pytest.fixture(scope="module")
async def proxy(
    lasting_stack: LastingStack, state: State, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> AsyncIterator[Proxy]:
    try:
        program = await asyncio.to_thread(nginx.find, state.cache, os.environ)
    except NoPackageError as error:
        if required("nginx", os.environ):
            raise
        tell(request.config, Section.WITHOUT_NGINX, f"{request.node.nodeid}: {error}")
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("nginx")
    environment = {f"FIRSTBUY_{service.upper()}_HTTP_CONNECTIONS_OF_PEER": str(OF_PEER) for service in SERVICES}
    async with lasting_stack(SERVICES, environment=environment) as stack:
        made = Proxy(free_port(), free_port(), certificate(folder))
        (folder / "firstbuy.conf").write_text(as_here(EXAMPLE.read_text(), stack, made, folder))
        (folder / "nginx.conf").write_text(FRAME.format(folder=folder))
        argv = (str(program), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log"))
        checked = await asyncio.create_subprocess_exec(*argv, "-t", stderr=asyncio.subprocess.PIPE)
        said = (await checked.communicate())[1].decode()
        assert checked.returncode == 0, said
        assert "[warn]" not in said
        running = await asyncio.create_subprocess_exec(*argv)
        try:
            await listening(made.secure)
            yield made
        finally:
            running.terminate()
            await running.wait()


def as_here(example: str, stack: Stack, made: Proxy, folder: Path) -> str:
    """The example with this test's addresses and files; nothing else of it is changed."""
    changed = {
        "listen 80": f"listen 127.0.0.1:{made.plain}",
        "listen 443": f"listen 127.0.0.1:{made.secure}",
        "/etc/ssl/firstbuy": str(folder),
        **{
            f"server 127.0.0.1:{port};": f"server {stack.url(service).removeprefix('http://')};"
            for service, port in (("intake", 8001), ("eligibility", 8002), ("selection", 8003), ("notify", 8004))
        },
    }
    for said, here in changed.items():
        assert said in example
        example = example.replace(said, here)
    return example


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


async def listening(port: int) -> None:
    async with asyncio.timeout(30):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except ConnectionError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


def certificate(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "firstbuy.example")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(APPLY), x509.DNSName(RESULTS)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    chain = made.public_bytes(serialization.Encoding.PEM)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "fullchain.pem").write_bytes(chain)
    (folder / "private.pem").write_bytes(private)
    return ssl.create_default_context(cadata=chain.decode())


async def test_each_name_leads_to_its_service_over_tls(proxy: Proxy) -> None:
    async with proxy.client(APPLY) as apply, proxy.client(RESULTS) as results:
        assert (await apply.get("/rounds")).json() == []
        assert (await results.get("/verify.py")).text.startswith("#!/usr/bin/env python3")
        assert (await results.get("/rounds")).status_code == 404, "which intake has"
        checked = await apply.post(f"/rounds/{ROUND}/check", json={})
        assert checked.headers["content-type"] == "application/problem+json"
        assert "Strict-Transport-Security" in checked.headers
        pressed = await apply.post(f"/not-me/{ROUND}")
        assert (pressed.status_code, "This link is not known" in pressed.text) == (404, True), "notify's own page"
        assert (await results.get(f"/not-me/{ROUND}")).headers["content-type"] == "application/problem+json"


async def test_what_is_for_those_who_run_it_is_not_shown(proxy: Proxy) -> None:
    for name in (APPLY, RESULTS):
        async with proxy.client(name) as client:
            for path in ("/health/live", "/metrics", "/asyncapi", "/parked", "/audit", "/health", "//metrics"):
                answer = await client.get(f"https://127.0.0.1:{proxy.secure}{path}")
                assert (answer.status_code, "nginx" in answer.text) == (404, True), path


async def test_without_tls_it_only_says_where_to_go(proxy: Proxy) -> None:
    async with httpx2.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{proxy.plain}/rounds?a=b", headers={"Host": RESULTS})
        assert (answer.status_code, answer.headers["location"]) == (301, f"https://{RESULTS}/rounds?a=b")
        with pytest.raises(httpx2.RemoteProtocolError):
            await client.get(f"http://127.0.0.1:{proxy.plain}/rounds", headers={"Host": "other.example"})


async def test_a_trusted_proxy_is_not_one_client(proxy: Proxy) -> None:
    limits = httpx2.Limits(max_connections=20)
    async with proxy.client(RESULTS, limits=limits) as client:
        answers = await asyncio.gather(*(client.get("/verify.py") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}


async def test_a_body_longer_than_any_service_takes_ends_at_the_proxy(proxy: Proxy) -> None:
    async with proxy.client(APPLY) as client:
        answer = await client.post(f"/rounds/{ROUND}/applications", content=b"[" * 3_000_000)
        assert (answer.status_code, "nginx" in answer.text) == (413, True)


async def test_a_client_that_asks_too_often_is_told_so(proxy: Proxy) -> None:
    """Last: what it has used up comes back at 20 a second."""
    async with proxy.client(RESULTS, limits=httpx2.Limits(max_connections=10)) as client:
        answers = await asyncio.gather(*(client.get("/verify.py") for _ in range(400)))
    assert {answer.status_code for answer in answers} == {200, 429}
