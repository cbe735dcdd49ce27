"""Settings of selection."""

from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from shared.service.settings import ServiceSettings


class SelectionSettings(ServiceSettings):
    """What selection's environment says, beside what every service is told."""

    model_config = SettingsConfigDict(env_prefix="FIRSTBUY_SELECTION_", frozen=True)

    http_port: int = Field(8003, description="HTTP port: the API, health, metrics and AsyncAPI.")
    auditor_token_hash: str = Field(
        "",
        pattern="^([0-9a-f]{64})?$",
        description="SHA-256 in hex of a token that is an auditor's here, beside those of `access.v1`; empty: none.",
    )
    repair_seconds: float = Field(
        5.0,
        gt=0,
        description="How long after the judging a bucket may differ before its owner is asked for it (real seconds); "
        "then again with pauses that double.",
    )
    timestamp_url: str = Field(
        "",
        pattern=r"^(https?://\S+)?$",
        description="Time-stamp authority (RFC 3161) every commitment is stamped by; empty: none.",
    )
    timestamp_ca_file: str = Field("", description="PEM file of the roots its stamps must lead to.")
    timestamp_retry_seconds: float = Field(
        2, gt=0, description="Pause after it first failed to stamp; doubles up to ten minutes."
    )
    kept_bytes: int = Field(
        1 << 30,
        ge=0,
        description="Most bytes of finished answers (evidence, results, open data) that are kept, in the folder for "
        "temporary files.",
    )
    public_url: str = Field(
        "",
        pattern=r"^(https?://\S+[^/\s])?$",
        description="Where the public reaches this service. Open data links there, and links are part of its releases: "
        "set it for good; empty: there is no open data.",
    )
    ocds_prefix: str = Field(
        "ocds-000000",
        pattern=r"^ocds-[a-z0-9]{6}$",
        description="Prefix of this publisher's ocids. The standard's owner issues it: the default is a placeholder.",
    )
    ocds_publisher: str = Field(
        "시범구매 운영기관 (pilot purchase programme office)",
        min_length=1,
        description="Who runs the rounds and publishes them as open data.",
    )
    ocds_publisher_uri: str = Field("", pattern=r"^(https?://\S+)?$", description="Its address; empty: none is stated.")
    ocds_licence_url: str = Field(
        "", pattern=r"^(https?://\S+)?$", description="The licence open data is under; empty: none is stated."
    )

    @model_validator(mode="after")
    def _rooted(self) -> Self:
        """Requires roots with an authority: an unchecked stamp proves nothing."""
        if self.timestamp_url and not self.timestamp_ca_file:
            raise ValueError("FIRSTBUY_SELECTION_TIMESTAMP_URL needs FIRSTBUY_SELECTION_TIMESTAMP_CA_FILE")
        return self
