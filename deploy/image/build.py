"""Builds the image, says how large it is, and writes what is in it as CycloneDX beside it.

python -m deploy.image.build [--tag T] [--base IMAGE] [--digest sha256:…] [--twice] [-- ARGUMENTS OF docker build]

Name the base's digest in production: without one the base is whatever its tag is that day. The image says in its labels
what it was built on.

Packages come from where this machine's pip and uv take them: their settings and authority are secrets of the build.

`--twice` builds again without any cache, and fails if a layer has another file, owner, mode or time. It says whether
the digests are the same too: an engine that has an equal layer already may write its files in another order, as Docker
20.10 does.
"""

import argparse
import hashlib
import json
import os
import re
import subprocess
import sys
import tarfile
import tomllib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

PROJECT: Final = Path(__file__).resolve().parents[2]
MOST_BYTES: Final = 350_000_000
SBOM: Final = PROJECT / "var" / "image" / "sbom.cdx.json"
LISTED: Final = (
    "from importlib.metadata import distributions\n"
    "print('\\n'.join(sorted(f'{each.name}=={each.version}' for each in distributions())))"
)
DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}")
SETTINGS: Final = {
    "pip": ("PIP_CONFIG_FILE", "~/.config/pip/pip.conf", "/etc/pip.conf"),
    "uv": ("UV_CONFIG_FILE", "~/.config/uv/uv.toml", "/etc/uv/uv.toml"),
    "ca": ("SSL_CERT_FILE",),
}
"""By the build's secret: a variable that names the file, then where it is usually."""


def secrets_of(environment: Mapping[str, str], folder: Path) -> dict[str, Path]:
    """The files that say where packages come from. An index in the environment goes into a file of its own."""
    found: dict[str, Path] = {}
    for secret, (variable, *usual) in SETTINGS.items():
        named = environment.get(variable)
        candidates = [Path(named)] if named else [Path(path).expanduser() for path in usual]
        there = [path for path in candidates if path.is_file()]
        if there:
            found[secret] = there[0]
    if index := environment.get("PIP_INDEX_URL"):
        found["pip"] = folder / "pip.conf"
        found["pip"].write_text(f"[global]\nindex-url = {index}\n")
    if index := environment.get("UV_DEFAULT_INDEX") or environment.get("UV_INDEX_URL"):
        found["uv"] = folder / "uv.toml"
        found["uv"].write_text(f'[[index]]\nurl = "{index}"\ndefault = true\n')
    return found


def said(*argv: str) -> str:
    """What a command prints. Its errors go to the screen."""
    return subprocess.run(argv, cwd=PROJECT, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()  # noqa: S603


def labels() -> dict[str, str]:
    """Version, revision and time of what is built, as build arguments."""
    project: dict[str, Any] = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    try:
        revision, seconds = said("git", "log", "-1", "--format=%H %ct").split()
    except (OSError, subprocess.CalledProcessError):
        return {"VERSION": project["version"]}
    created = datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"VERSION": project["version"], "REVISION": revision, "CREATED": created}


def fault(base: str, digest: str) -> str:
    """What is wrong with them, and the fix; empty if nothing."""
    if digest and not DIGEST.fullmatch(digest):
        return f"--digest {digest}: give sha256: and 64 hexadecimal digits, as `docker pull` of the base prints them"
    if digest and "@" in base:
        return f"--base {base}: it names a digest already, so leave --digest away"
    return ""


def built(tag: str, given: argparse.Namespace, *more: str) -> None:
    """Builds the image under the tag."""
    arguments = labels() | {key: value for key, value in (("BASE", given.base), ("DIGEST", given.digest)) if value}
    with TemporaryDirectory() as folder:
        command = ["docker", "build", "--file", "deploy/Dockerfile", "--tag", tag, *more, *given.docker]
        for name, value in arguments.items():
            command += ["--build-arg", f"{name}={value}"]
        for name, path in secrets_of(os.environ, Path(folder)).items():
            command += ["--secret", f"id={name},src={path}"]
        subprocess.run(  # noqa: S603
            [*command, "."], cwd=PROJECT, check=True, env={**os.environ, "DOCKER_BUILDKIT": "1"}
        )


def layers(tag: str) -> list[str]:
    """The digests of the image's layers."""
    found: list[str] = json.loads(said("docker", "image", "inspect", tag))[0]["RootFS"]["Layers"]
    return found


def contents(tag: str) -> list[str]:
    """A digest of each layer's files, whatever order they stand in."""
    with TemporaryDirectory() as folder:
        saved = Path(folder) / "image.tar"
        said("docker", "save", "--output", str(saved), tag)
        with tarfile.open(saved) as image:
            named = image.extractfile("manifest.json")
            layer_files: list[str] = json.load(named)[0]["Layers"] if named else []
            return [_digest(image, name) for name in layer_files]


def _digest(image: tarfile.TarFile, layer: str) -> str:
    entries = []
    with tarfile.open(fileobj=image.extractfile(layer)) as files:
        for each in files:
            body = files.extractfile(each) if each.isreg() else None
            content = hashlib.sha256(body.read()).hexdigest() if body else each.linkname
            entries.append(f"{each.name} {each.type!r} {each.mode:o} {each.uid}:{each.gid} {each.mtime} {content}")
    return hashlib.sha256("\n".join(sorted(entries)).encode()).hexdigest()


def write_sbom(tag: str) -> None:
    """Of the Python packages that the image has, as it says itself. It may hold addresses: it is not committed."""
    packages = said("docker", "run", "--rm", "--network", "none", tag, "-c", LISTED)
    SBOM.parent.mkdir(parents=True, exist_ok=True)
    tool = str(Path(sys.executable).with_name("cyclonedx-py"))
    command = [tool, "requirements", "--output-reproducible", "--output-file", str(SBOM), "-"]
    subprocess.run(command, input=packages, text=True, check=True)  # noqa: S603
    print(f"{SBOM.relative_to(PROJECT)}: {len(packages.splitlines())} packages")  # noqa: T201


def main(arguments: Sequence[str]) -> int:
    """Exits with 1 for an image that is too large or can't be repeated."""
    options = argparse.ArgumentParser(prog="python -m deploy.image.build", description=__doc__)
    options.add_argument("--tag", default="firstbuy:latest")
    options.add_argument("--base", default="", help="another base; else the Dockerfile's")
    options.add_argument("--digest", default="", help="of the base")
    options.add_argument("--twice", action="store_true", help="build again without a cache, and compare the layers")
    options.add_argument("docker", nargs="*", help="arguments of `docker build`, behind --")
    given = options.parse_args(arguments)
    if wrong := fault(given.base, given.digest):
        options.error(wrong)
    if not given.digest and "@" not in given.base:
        print("the base is named by its tag alone; in production name its digest too: --digest sha256:…")  # noqa: T201
    built(given.tag, given)
    versioned = f"{given.tag.partition(':')[0]}:{labels()['VERSION']}"
    said("docker", "tag", given.tag, versioned)
    size = int(said("docker", "image", "inspect", "--format", "{{.Size}}", given.tag))
    print(f"{given.tag}, {versioned}: {size / 1e6:.0f} MB, at most {MOST_BYTES / 1e6:.0f}")  # noqa: T201
    write_sbom(given.tag)
    if given.twice:
        again = f"{given.tag}-again"
        built(again, given, "--no-cache")
        first, second = contents(given.tag), contents(again)
        digests = "the same digests" if layers(given.tag) == layers(again) else "digests that differ by order alone"
        print(f"built twice: {f'the same layers, {digests}' if first == second else f'{first} and {second}'}")  # noqa: T201
        if first != second:
            return 1
    return 0 if size <= MOST_BYTES else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
