"""Settings of selection."""

from typing import Self

from pydantic import Field, model_validator
from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings


class SelectionSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="FIRSTBUY_SELECTION_", frozen=True)

    http_port: int = Field(8003, description="HTTP port: the API, health, metrics and AsyncAPI.")
    auditor_token_hash: str = Field(
        "",
        pattern="^([0-9a-f]{64})?$",
        description="SHA-256 in hex of the token that opens the auditor's depth of evidence and every pack; empty: the "
        "operator's.",
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

    @model_validator(mode="after")
    def _rooted(self) -> Self:
        """A stamp that is not checked proves nothing."""
        if self.timestamp_url and not self.timestamp_ca_file:
            raise ValueError("FIRSTBUY_SELECTION_TIMESTAMP_URL needs FIRSTBUY_SELECTION_TIMESTAMP_CA_FILE")
        return self
