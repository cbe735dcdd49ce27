"""Settings from the environment, common to all services. Each service has a subclass of `ServiceSettings`."""

import ssl
from collections.abc import Collection, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512
from pydantic import Field, PostgresDsn, SecretStr, ValidationError
from pydantic_settings import SettingsConfigDict

from shared.kafka.security import NewestPassword, ssl_context
from shared.proof.signing import UnusableKeyError, private_keys
from shared.service.http_settings import HttpSettings
from shared.service.settings_files import SUFFIX, Settings, in_files


def unusable(error: ValidationError, prefix: str) -> str:
    """One line per wrong variable, without its value, which may be a password."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    return "\n".join(f"{prefix}{'_'.join(map(str, fault['loc'])).upper()}: {fault['msg']}" for fault in faults)


def _names_file(name: str, fields: Collection[str]) -> bool:
    return name.lower() not in fields and name.removesuffix(SUFFIX).lower() in fields


class SecurityProtocol(StrEnum):
    PLAINTEXT = "PLAINTEXT"
    SSL = "SSL"
    SASL_PLAINTEXT = "SASL_PLAINTEXT"
    SASL_SSL = "SASL_SSL"


class SaslMechanism(StrEnum):
    PLAIN = "PLAIN"
    SCRAM_SHA_256 = "SCRAM-SHA-256"
    SCRAM_SHA_512 = "SCRAM-SHA-512"


class KafkaSettings(Settings):
    """How to reach Kafka: the same for every service of a deployment."""

    model_config = SettingsConfigDict(env_prefix="FIRSTBUY_KAFKA_", frozen=True)

    bootstrap_servers: str = Field("127.0.0.1:9092", description="Brokers to start from, `host:port,host:port`.")
    security_protocol: SecurityProtocol = Field(SecurityProtocol.PLAINTEXT, description="How brokers are spoken to.")
    sasl_mechanism: SaslMechanism = Field(SaslMechanism.SCRAM_SHA_256, description="Used with `SASL_…` protocols.")
    sasl_username: str = Field("", description="The service's own user; a command's: the operator's.")
    sasl_password: SecretStr = Field(SecretStr(""), description="Its password.")
    ssl_ca_file: str = Field("", description="PEM file of the authority that signed the brokers' certificates.")
    partitions: int = Field(
        0,
        ge=0,
        description="Partitions of each topic created whose records are spread by key; 0: as declared. Choose for the "
        "largest round to come: to change them later moves keys.",
    )
    replication_factor: int = Field(
        0, ge=0, description="Copies of each topic created; 0: three, or as many as there are brokers."
    )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Settings from these variables; the process's environment provides only missing ones."""
        prefix = "FIRSTBUY_KAFKA_"
        given = {name.removeprefix(prefix): value for name, value in environment.items() if name.startswith(prefix)}
        fields = cls.model_fields
        plain = {name.lower(): value for name, value in given.items() if not _names_file(name, fields)}
        return cls.model_validate(plain | in_files(prefix, fields, environment))

    @property
    def secured(self) -> bool:
        """True if clients log in, and so have rights of their own."""
        return "SASL" in self.security_protocol

    def as_user(self, user: str, password: str) -> Self:
        """The same settings for another user."""
        return type(self)(**self.model_dump() | {"sasl_username": user, "sasl_password": SecretStr(password)})

    def as_environment(self) -> dict[str, str]:
        """The variables that give another process the same settings. They include the password."""
        shown = {name: getattr(self, name) for name in type(self).model_fields}
        shown["sasl_password"] = self.sasl_password.get_secret_value()
        return {f"FIRSTBUY_KAFKA_{name.upper()}": str(value) for name, value in shown.items()}

    def unreachable(self, error: Exception | str) -> str:
        """The message for a client that can't start: to it, a refused password looks like a missing broker."""
        asked = f"user {self.sasl_username!r} and its password" if self.secured else "that no user is asked for there"
        shown = ""
        if "SSL" in self.security_protocol:
            authority = self.ssl_ca_file or "who this machine trusts (FIRSTBUY_KAFKA_SSL_CA_FILE is empty)"
            shown = f", that the brokers' certificates are signed by {authority} for this name"
        return f"Kafka at {self.bootstrap_servers} can't be reached: {error}. Check the address{shown}, and {asked}."

    def _password(self) -> str:
        """For SCRAM, the password as its file has it whenever a connection is made."""
        if self.sasl_mechanism is SaslMechanism.PLAIN:
            return self.sasl_password.get_secret_value()
        return NewestPassword(self.newest_text("sasl_password"))

    def client_arguments(self) -> dict[str, Any]:
        """Arguments of an aiokafka client."""
        arguments: dict[str, Any] = {
            "bootstrap_servers": self.bootstrap_servers,
            "security_protocol": self.security_protocol.value,
        }
        if self.secured:
            arguments |= {
                "sasl_mechanism": self.sasl_mechanism.value,
                "sasl_plain_username": self.sasl_username,
                "sasl_plain_password": self._password(),
            }
        if "SSL" in self.security_protocol:
            arguments["ssl_context"] = ssl_context(self.ssl_ca_file)
        return arguments

    def broker_security(self) -> BaseSecurity | None:
        """The same for a FastStream broker."""
        context = ssl_context(self.ssl_ca_file) if "SSL" in self.security_protocol else None
        if not self.secured:
            return BaseSecurity(ssl_context=context, use_ssl=True) if context else None
        scheme = {
            SaslMechanism.PLAIN: SASLPlaintext,
            SaslMechanism.SCRAM_SHA_256: SASLScram256,
            SaslMechanism.SCRAM_SHA_512: SASLScram512,
        }[self.sasl_mechanism]
        return scheme(
            username=self.sasl_username,
            password=self._password(),
            ssl_context=context,
            use_ssl=context is not None,
        )


class DeploymentSettings(Settings):
    """Settings all services of a deployment share."""

    model_config = SettingsConfigDict(env_prefix="FIRSTBUY_", frozen=True)

    topic_prefix: str = Field(
        "firstbuy.", pattern=r"^[A-Za-z0-9._-]*$", description="Put before every topic's and consumer group's name."
    )
    log_level: str = Field("INFO", pattern=r"^(DEBUG|INFO|WARNING|ERROR)$", description="Least level that is logged.")
    trace_sample_ratio: float = Field(0.01, ge=0, le=1, description="Share of requests whose spans are recorded.")
    trace_endpoint: str = Field("", description="OTLP/HTTP address spans are sent to; empty: spans are not exported.")


class ProcessSettings(HttpSettings):
    """Settings of one process of a deployment."""

    replica: str = Field("0", pattern=r"^[A-Za-z0-9.-]+$", description="Name of this replica in logs and metrics.")
    deployment: DeploymentSettings = Field(default_factory=DeploymentSettings)


class DatabaseSettings(ProcessSettings):
    """Settings of a process that has a database of its own."""

    model_config = SettingsConfigDict(frozen=True)

    database_url: PostgresDsn = Field(repr=False, description="The service's own PostgreSQL database.")
    database_connections: int = Field(8, ge=2, description="Most connections kept to it by one replica.")
    database_wait_seconds: float = Field(
        5.0,
        gt=0,
        description="Longest wait for one of them; then a request is answered 503, a consumer tries again.",
    )

    def database_checks(self, error: Exception) -> str:
        """What to look at if the database can't be reached: by the setting's name, without its password."""
        setting = f"{self.model_config['env_prefix']}DATABASE_URL"
        if isinstance(error, ssl.SSLError):
            return f"{setting}: its host must be a name in its certificate, its sslrootcert the authority's file"
        return f"{setting}: its host, port, user, password and database"


class ServiceSettings(DatabaseSettings):
    """Settings of one service; `FIRSTBUY_<SERVICE>_…`."""

    model_config = SettingsConfigDict(frozen=True)

    replica: str = Field(
        "0",
        pattern=r"^[A-Za-z0-9.-]+$",
        description="Slot of this replica; two live processes never share one. `auto`: the lowest that none holds, "
        "by a lock in the database (one more connection).",
    )
    batch_records: int = Field(2000, ge=1, description="Most records taken in one step.")
    step_seconds: int = Field(60, ge=1, description="No step for this long while records wait: not live.")
    signing_key_file: str = Field(
        "",
        description="Ed25519 private key that signs the service's audit heads (intake's: its receipts too; "
        "selection's: packs and their links), 64 hex digits or PEM; further ones behind it are only published, to sign "
        "later; empty: one is generated and kept.",
    )
    operator_token_hash: str = Field(
        "",
        pattern=r"^([0-9a-f]{64})?$",
        description="SHA-256 of a token that is an operator's here, beside those of `access.v1`; empty: none.",
    )
    kafka: KafkaSettings = Field(default_factory=KafkaSettings)

    def signing_keys(self) -> tuple[bytes, ...]:
        """The 32 bytes of each private key in the file; none if no file is named. Raises UnusableKeyError."""
        if not self.signing_key_file:
            return ()
        try:
            return private_keys(Path(self.signing_key_file).read_bytes())
        except (OSError, UnusableKeyError) as error:
            prefix = self.model_config.get("env_prefix", "")
            raise UnusableKeyError(f"{prefix}SIGNING_KEY_FILE={self.signing_key_file}: {error}") from error
