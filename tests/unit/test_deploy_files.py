"""What `deploy/` says of services is true of the code: every variable a setting, every port and path the service's."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic_settings import BaseSettings

from deploy.image.lean import BUILDS_ONLY, LEXERS, NEVER_LOADED
from firstbuy.reference.settings import settings_classes
from shared.contracts.access import SERVICES, service_user
from shared.kafka.provision import ProvisioningSettings
from shared.service import healthcheck
from shared.service.settings import DeploymentSettings, KafkaSettings, ProcessSettings
from shared.service.settings_files import SUFFIX

DEPLOY = Path(__file__).parents[2] / "deploy"
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
CONTAINERS: dict[str, Any] = COMPOSE["services"]
OURS = {name: each for name, each in CONTAINERS.items() if each["image"].startswith("${FIRSTBUY_IMAGE")}
CLASSES = settings_classes()
PROCESSES = (*SERVICES, "portal")
OF_SERVICES = {
    service: next(each for each in CLASSES if each.model_config.get("env_prefix") == f"FIRSTBUY_{service.upper()}_")
    for service in PROCESSES
}


def variables(model: type[BaseSettings]) -> dict[str, str]:
    """The variables of a settings class, with those that name files, and the field of each."""
    prefix = model.model_config.get("env_prefix", "")
    own = {f"{prefix}{name.upper()}": name for name in model.model_fields if name not in {"kafka", "deployment"}}
    return own | {variable + SUFFIX: name for variable, name in own.items()}


def known_to(module: str) -> dict[str, str]:
    """The variables that a container with this module reads."""
    shared = variables(KafkaSettings) | variables(DeploymentSettings)
    if module == "shared.kafka.provision":
        return shared | variables(ProvisioningSettings)
    return shared | variables(OF_SERVICES[module.removeprefix("services.")])


@pytest.mark.parametrize("name", OURS)
def test_every_variable_of_a_container_is_a_setting_of_what_it_runs(name: str) -> None:
    given = OURS[name]["environment"]
    assert set(given) <= set(known_to(OURS[name]["command"][1]))


@pytest.mark.parametrize("name", OURS)
def test_every_file_that_a_variable_names_is_a_secret_of_that_container(name: str) -> None:
    named = [value for value in OURS[name]["environment"].values() if str(value).startswith("/run/secrets/")]
    assert {Path(value).name for value in named} <= set(OURS[name]["secrets"])
    assert set(OURS[name]["secrets"]) <= set(COMPOSE["secrets"])


@pytest.mark.parametrize("name", CONTAINERS)
def test_no_password_stands_in_an_environment(name: str) -> None:
    secret = re.compile(r"PASSWORD|SECRET|TOKEN|_KEY$|DATABASE_URL|SMTP_URL")
    plain = [key for key in CONTAINERS[name].get("environment", {}) if secret.search(key) and "FILE" not in key]
    assert plain == []


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container_is_hardened_and_bounded(name: str) -> None:
    each = CONTAINERS[name]
    assert each["read_only"] is True
    assert each["cap_drop"] == ["ALL"]
    assert each["security_opt"] == ["no-new-privileges:true"]
    assert {"mem_limit", "cpus", "pids_limit"} <= set(each)


@pytest.mark.parametrize("service", PROCESSES)
def test_ports_are_those_of_the_service(service: str) -> None:
    model = OF_SERVICES[service]
    assert issubclass(model, ProcessSettings)
    port = model.model_fields["http_port"].default
    assert healthcheck.PORTS[service] == port
    assert [published.rpartition(":")[2] for published in CONTAINERS[service]["ports"]] == [str(port)]
    scraped = yaml.safe_load((DEPLOY / "monitoring/prometheus.yaml").read_text())["scrape_configs"]
    assert {each["job_name"]: each["dns_sd_configs"][0]["port"] for each in scraped}[service] == port


@pytest.mark.parametrize("service", SERVICES)
def test_each_service_logs_in_as_its_own_user(service: str) -> None:
    prefix = DeploymentSettings.model_fields["topic_prefix"].default
    assert CONTAINERS[service]["environment"]["FIRSTBUY_KAFKA_SASL_USERNAME"] == service_user(prefix, service)


@pytest.mark.parametrize("unit", sorted((DEPLOY / "systemd").glob("*.service")), ids=lambda path: path.name)
def test_every_variable_of_a_unit_is_a_setting_of_what_it_runs(unit: Path) -> None:
    text = unit.read_text()
    module = re.search(r"^ExecStart=/opt/firstbuy/bin/python -m (\S+)", text, re.MULTILINE)
    assert module
    credentials = set(re.findall(r"^LoadCredential=([\w.-]+):", text, re.MULTILINE))
    given = dict(re.findall(r"^Environment=(\w+)=(\S+)$", text, re.MULTILINE))
    assert set(given) <= set(known_to(module[1]))
    assert {value.removeprefix("%d/") for value in given.values() if value.startswith("%d/")} == credentials
    for named in re.findall(r"^EnvironmentFile=/etc/firstbuy/(\S+)$", text, re.MULTILINE):
        lines = (DEPLOY / "systemd" / named).read_text().splitlines()
        stated = {line.partition("=")[0] for line in lines if line and not line.startswith("#")}
        assert stated <= set(known_to(module[1])), named


def test_a_unit_of_a_service_comes_after_its_jobs_and_has_its_slot_from_its_name() -> None:
    for service in SERVICES:
        text = (DEPLOY / "systemd" / f"firstbuy-{service}@.service").read_text()
        assert f"Requires=firstbuy-provision.service firstbuy-migrate-{service}.service" in text
        assert f"Environment=FIRSTBUY_{service.upper()}_REPLICA=%i" in text


def test_migrations_and_provisioning_come_before_every_service() -> None:
    jobs = {"provision", *(f"migrate-{service}" for service in SERVICES)}
    for service in SERVICES:
        awaited = CONTAINERS[service]["depends_on"]
        finished = {name for name, how in awaited.items() if how["condition"] == "service_completed_successfully"}
        assert finished - jobs == ({"documents"} if service == "intake" else set())
        assert finished >= jobs


def test_the_health_check_asks_a_path_that_exists() -> None:
    source = (DEPLOY.parent / "shared/service/http.py").read_text()
    assert f'"{healthcheck.PATH}"' in source
    assert "shared.service.healthcheck" in (DEPLOY / "Dockerfile").read_text()


@pytest.mark.parametrize(
    ("command", "service"),
    [
        (b"/opt/firstbuy/bin/python\0-m\0services.intake\0", "intake"),
        (b"/sbin/docker-init\0--\0/opt/firstbuy/bin/python\0-m\0services.notify\0", "notify"),
        (b"/opt/firstbuy/bin/python\0-m\0services.intake\0migrate\0", None),
        (b"/opt/firstbuy/bin/python\0-m\0shared.kafka.provision\0", None),
    ],
)
def test_the_health_check_finds_the_service_of_its_container(command: bytes, service: str | None) -> None:
    assert healthcheck.service_of(command) == service


def test_the_health_check_says_what_does_not_answer() -> None:
    told = healthcheck.trouble("intake", {"FIRSTBUY_INTAKE_HTTP_PORT": "1"})
    assert told is not None
    assert told.startswith("intake does not answer on port 1: ")


def test_the_dockerfile_sets_no_variable_of_a_service() -> None:
    assert "FIRSTBUY_" not in (DEPLOY / "Dockerfile").read_text()


def test_the_image_and_the_checkout_are_installed_by_the_same_uv() -> None:
    pinned = re.search(r"uv_version=(\S+)", (DEPLOY / "bootstrap.sh").read_text())
    used = re.search(r"ARG UV=(\S+)", (DEPLOY / "Dockerfile").read_text())
    assert pinned
    assert used
    assert used[1] == pinned[1]


def test_what_the_image_leaves_out_is_needed_to_build_alone() -> None:
    """By the lock's own notes of who asks for a package."""
    lock = (DEPLOY.parent / "requirements.lock").read_text()
    asked_by = dict(re.findall(r"^([a-z0-9-]+)==[^#]*?((?:    #.*\n)+)", lock, re.MULTILINE))
    for package in BUILDS_ONLY:
        comment = asked_by[package.replace("_", "-")].replace("# via", "#")
        askers = set(re.findall(r"#\s+([a-z0-9-]+)", comment))
        assert askers <= {*(each.replace("_", "-") for each in BUILDS_ONLY), "firstbuy"}, package


WITHOUT = """
import io, sys
for name in {modules}:
    sys.modules[name] = None
import pikepdf
written = io.BytesIO()
pikepdf.new().save(written)
assert not pikepdf.open(io.BytesIO(written.getvalue())).pages
from rich.console import Console
from rich.traceback import Traceback
try:
    raise OSError("a fault")
except OSError:
    Console(file=io.StringIO(), force_terminal=True).print(Traceback())
loaded = {{name.rpartition(".")[2] for name in sys.modules if name.startswith("pygments.lexers.")}}
assert loaded <= {lexers}, loaded
"""


def test_what_the_image_leaves_out_is_loaded_by_nobody() -> None:
    """A PDF is read and a traceback is coloured without it."""
    code = WITHOUT.format(modules=[name for name in NEVER_LOADED if name.isidentifier()], lexers=LEXERS)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_secrets_are_made_once_and_only_their_owner_sees_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"

    def made() -> str:
        argv = [sys.executable, "-m", "deploy.machine_secrets", str(folder)]
        return subprocess.run(argv, cwd=DEPLOY.parent, capture_output=True, text=True, check=True).stdout

    first = made()
    before = {path.name: path.read_text() for path in folder.iterdir()}
    assert "made nothing" in made()
    assert {path.name: path.read_text() for path in folder.iterdir()} == before
    assert set(COMPOSE["secrets"]) <= set(before)
    assert not [name for name, text in before.items() if text.strip() in first]
    assert folder.stat().st_mode & 0o777 == 0o700
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    assert {name for name, mode in modes.items() if mode != 0o444} == {"authority.key", "operator-token"}
    files = [str(folder / f"{name}.pem") for name in ("authority", "kafka", "postgres")]
    checked = ["openssl", "verify", "-CAfile", *files]
    assert subprocess.run(checked, capture_output=True, text=True, check=True).stdout.count("OK") == 2
