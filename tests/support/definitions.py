"""The definitions of kinds that operators bring to Kubernetes, from the operators' own modules.

Go's module proxy has them as their makers published them, and `go mod download` checks their sums. Strimzi's are made
by its own generator, from Maven, which needs Java 21.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from jsonschema import Draft202012Validator

KEDA: Final = "github.com/kedacore/keda/v2@v2.21.0"
MODULES: Final = {
    KEDA: "config/crd/bases",
    "github.com/cloudnative-pg/cloudnative-pg@v1.27.0": "config/crd/bases",
    "github.com/prometheus-operator/prometheus-operator@v0.85.0": "example/prometheus-operator-crd",
    "sigs.k8s.io/gateway-api@v1.3.0": "config/crd/standard",
    "github.com/external-secrets/external-secrets@v0.20.4": "config/crds/bases",
}
STRIMZI: Final = "1.2.0"
DEFINITION: Final = "CustomResourceDefinition"
_MODELS: Final = {
    "kafka.Kafka": "kafka",
    "nodepool.KafkaNodePool": "nodepool",
    "topic.KafkaTopic": "topic",
    "user.KafkaUser": "user",
}


class _Loader(yaml.CSafeLoader):
    """YAML in which `=` is a text, as Kubernetes reads it."""


_Loader.add_constructor("tag:yaml.org,2002:value", lambda loader, node: str(node.value))
Schemas = dict[tuple[str, str], dict[str, Any]]


class NoDefinitionsError(RuntimeError):
    """What they are fetched with is not here; the text says what."""

    code = "no-definitions"


def files_of_modules() -> list[Path]:
    """Of the operators that are Go modules: each defines kinds. Raises NoDefinitionsError."""
    if shutil.which("go") is None:
        raise NoDefinitionsError("there is no go, with which definitions of KEDA and others are fetched")
    found: list[Path] = []
    for module, folder in MODULES.items():
        told = _run("go", "mod", "download", "-json", module)
        found += sorted((Path(json.loads(told)["Dir"]) / folder).glob("*.yaml"))
    return [path for path in found if DEFINITION in path.read_text()]


def files_of_strimzi(cache: Path) -> list[Path]:
    """Raises NoDefinitionsError."""
    folder = cache / f"strimzi-{STRIMZI}"
    if not folder.is_dir():
        _generate(folder)
    return sorted(folder.glob("*.yaml"))


def of_modules() -> Schemas:
    """By (apiVersion, kind), of the operators that are Go modules. Raises NoDefinitionsError."""
    return {name: schema for path in files_of_modules() for name, schema in _schemas(path)}


def of_strimzi(cache: Path) -> Schemas:
    """By (apiVersion, kind). Raises NoDefinitionsError."""
    return {name: schema for path in files_of_strimzi(cache) for name, schema in _schemas(path)}


def _generate(folder: Path) -> None:
    java = _java()
    if java is None or shutil.which("mvn") is None:
        raise NoDefinitionsError("Strimzi's generator needs Maven and Java 21 or newer")
    made = folder.with_name(f"{folder.name}.{os.getpid()}")
    made.mkdir(parents=True, exist_ok=True)
    for artifact in ("crd-generator", "api", "crd-annotations"):
        _run(
            "mvn",
            "-q",
            "-B",
            "dependency:copy",
            f"-Dartifact=io.strimzi:{artifact}:{STRIMZI}",
            f"-DoutputDirectory={made}",
        )
    models = [f"io.strimzi.api.kafka.model.{model}={made / name}.yaml" for model, name in _MODELS.items()]
    options = ["--yaml", "--target-kube", "1.25+", "--crd-api-version", "v1"]
    _run(java, "-cp", f"{made}/*", "io.strimzi.crdgenerator.CrdGenerator", *options, *models)
    try:
        made.rename(folder)
    except OSError:  # another process was faster
        shutil.rmtree(made)


def _java() -> str | None:
    """The newest Java here, if it is 21 or newer."""
    candidates = [*Path("/usr/lib/jvm").glob("*/bin/java"), *([Path(found)] if (found := shutil.which("java")) else [])]
    newest = max(((_release(path), str(path)) for path in candidates), default=(0, ""))
    return newest[1] if newest[0] >= 21 else None


def _release(java: Path) -> int:
    told = subprocess.run([str(java), "-version"], capture_output=True, text=True, check=False).stderr
    number = told.partition('version "')[2].partition(".")[0].strip('"\n ')
    return int(number) if number.isdecimal() else 0


def _run(*argv: str) -> str:
    done = subprocess.run(argv, capture_output=True, text=True, check=False, env={**os.environ, "GOFLAGS": "-mod=mod"})
    if done.returncode:
        raise NoDefinitionsError(f"{' '.join(argv[:4])}: {(done.stderr or done.stdout).strip()[-400:]}")
    return done.stdout.strip()


Triggers = dict[str, tuple[dict[str, tuple[str, ...]], set[str]]]
"""By type: what may stand in the metadata, with the values that are allowed (none: any), and all parameters."""


def of_triggers() -> Triggers:
    """What KEDA reads of a trigger. The definition of its kind takes anything there, and KEDA passes over what it does
    not know. Raises NoDefinitionsError."""
    if shutil.which("go") is None:
        raise NoDefinitionsError("there is no go, with which definitions of KEDA and others are fetched")
    folder = Path(json.loads(_run("go", "mod", "download", "-json", KEDA))["Dir"])
    told = json.loads((folder / "schema/generated/scalers-schema.json").read_text())
    return {
        scaler["type"]: (
            {
                each["name"]: tuple(each.get("allowedValue", ()))
                for each in scaler["parameters"]
                if each.get("metadataVariableReadable")
            },
            {each["name"] for each in scaler["parameters"]},
        )
        for scaler in told["scalers"]
    }


def kinds_in(path: Path) -> Iterator[dict[str, Any]]:
    """The definitions of kinds in a file."""
    for definition in yaml.load_all(path.read_text(), _Loader):
        if definition and definition.get("kind") == DEFINITION:
            yield definition


def _schemas(path: Path) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    for definition in kinds_in(path):
        spec = definition["spec"]
        for version in spec["versions"]:
            schema = _closed(version["schema"]["openAPIV3Schema"])
            schema["properties"] |= {"metadata": {"type": "object"}}
            yield (f"{spec['group']}/{version['name']}", spec["names"]["kind"]), schema


def _closed(schema: Any) -> Any:
    """As a server that is asked for strict validation takes it: a member that is not named is refused."""
    if isinstance(schema, list):
        return [_closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: _closed(part) for name, part in schema.items()}
    if isinstance(schema.get("properties"), dict) and "type" in schema:
        closed["properties"] = {name: _closed(part) for name, part in schema["properties"].items()}
        if "additionalProperties" not in schema and not schema.get("x-kubernetes-preserve-unknown-fields"):
            closed["additionalProperties"] = False
    if schema.get("x-kubernetes-int-or-string"):
        closed.pop("type", None)
    return closed


def faults(manifest: Mapping[str, Any], schemas: Schemas) -> list[str]:
    """What of it does not fit. A kind that no operator here brings is a fault."""
    schema = schemas.get((manifest["apiVersion"], manifest["kind"]))
    if schema is None:
        return [f"{manifest['apiVersion']} {manifest['kind']} is unknown"]
    errors = Draft202012Validator(schema).iter_errors(dict(manifest))
    name = manifest["metadata"]["name"]
    return [f"{manifest['kind']} {name}: {error.json_path}: {error.message[:200]}" for error in errors]
