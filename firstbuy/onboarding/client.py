"""A client configuration to copy: for Java and Spring, and for librdkafka (kcat, Python, Go, .NET)."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from shared.contracts.access import institution_user
from shared.contracts.topics import inbox, outbox
from shared.service.settings import KafkaSettings

SHOWN_BEFORE: Final = "SHOWN-ONCE-WHEN-IT-WAS-MADE"


@dataclass(frozen=True, slots=True)
class ClientConfiguration:
    """`password`: None where it was told before, or there is none."""

    kafka: KafkaSettings = field(repr=False)
    prefix: str
    code: str
    password: str | None = field(default=None, repr=False)

    @property
    def user(self) -> str:
        return institution_user(self.prefix, self.code)

    @property
    def inbox(self) -> str:
        return self.prefix + inbox(self.code).name

    @property
    def outbox(self) -> str:
        return self.prefix + outbox(self.code).name

    def properties(self) -> str:
        """`client.properties` of Java clients; with `spring.kafka.properties.` before each name, Spring's."""
        lines = self._common()
        if self.kafka.secured:
            module = "org.apache.kafka.common.security.scram.ScramLoginModule"
            lines.append(
                f'sasl.jaas.config={module} required username="{self.user}" password="{self.password or SHOWN_BEFORE}";'
            )
        if "SSL" in self.kafka.security_protocol:
            lines += ["# ssl.truststore.type=PEM", "# ssl.truststore.location=of the authority, if it is not public"]
        return _text(lines)

    def librdkafka(self) -> str:
        lines = self._common()
        if self.kafka.secured:
            lines += [f"sasl.username={self.user}", f"sasl.password={self.password or SHOWN_BEFORE}"]
        if "SSL" in self.kafka.security_protocol:
            lines.append("# ssl.ca.location=of the authority, if it is not public")
        return _text(lines)

    def _common(self) -> list[str]:
        lines = [
            f"# {self.code} writes {self.inbox}, with the request's id as key, and reads {self.outbox}",
            f"bootstrap.servers={self.kafka.bootstrap_servers}",
            f"security.protocol={self.kafka.security_protocol}",
        ]
        if self.kafka.secured:
            lines.append(f"sasl.mechanism={self.kafka.sasl_mechanism}")
        # Any group whose name begins so is the institution's.
        return [*lines, "enable.idempotence=true", f"group.id={self.user}.1", "auto.offset.reset=earliest"]

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Both forms, for their owner's eyes alone."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        written = []
        for suffix, text in (("properties", self.properties()), ("librdkafka.conf", self.librdkafka())):
            path = folder / f"{self.code}.{suffix}"
            write_secret(path, text)
            written.append(path)
        return written[0], written[1]


def write_secret(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)  # one with wider rights would keep them
    path.touch(mode=0o600, exist_ok=False)
    path.write_text(text, encoding="utf-8")


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
