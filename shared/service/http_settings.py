"""Settings of every process with an HTTP port."""

from ipaddress import ip_network

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from shared.service.settings_files import Settings


class HttpSettings(Settings):
    """Its address, and the bounds of its connections."""

    model_config = SettingsConfigDict(frozen=True)

    http_host: str = Field("127.0.0.1", description="Address the HTTP port is bound to.")
    http_port: int = Field(description="HTTP port: the API, health, metrics and AsyncAPI.")
    http_trusted_proxies: str = Field(
        "127.0.0.1",
        description="Addresses or networks, comma between, of proxies: their `X-Forwarded-…` is believed, and they are "
        "not counted as one client.",
    )
    http_connections: int = Field(2000, ge=1, description="Most connections at once; one more is answered 503.")
    http_connections_of_peer: int = Field(
        100, ge=1, description="Most of them from one address (of IPv6: one /64); one more is answered 503."
    )
    http_request_line_bytes: int = Field(8_192, ge=256, description="Longest address of a request; else 414.")
    http_header_bytes: int = Field(32_768, ge=1_024, description="Longest headers of a request together; else 431.")
    http_head_seconds: float = Field(
        10, gt=0, description="Longest time from a request's first byte to its body; else 408."
    )
    http_body_seconds: float = Field(60, gt=0, description="Longest time a body may take to come; else 408.")
    http_idle_seconds: float = Field(
        15, gt=0, description="How long a connection is kept on which no request begins; longer than a proxy keeps it."
    )
    http_answer_seconds: float = Field(
        60, gt=0, description="How long an answer is kept for who takes nothing of it; then the connection is closed."
    )

    @property
    def trusted_proxies(self) -> list[str]:
        """The trusted addresses and networks, one by one."""
        return [network.strip() for network in self.http_trusted_proxies.split(",") if network.strip()]

    @field_validator("http_trusted_proxies")
    @classmethod
    def _networks(cls, value: str) -> str:
        """Checks that each is an address or a network; `*` would trust anybody."""
        for network in filter(None, map(str.strip, value.split(","))):
            ip_network(network)
        return value
