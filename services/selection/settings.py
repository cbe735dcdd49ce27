"""Settings of selection."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings


class SelectionSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="FIRSTBUY_SELECTION_", frozen=True)

    http_port: int = Field(8003, description="HTTP port: the API, health, metrics and AsyncAPI.")
    repair_seconds: float = Field(
        5.0,
        gt=0,
        description="How long after the judging a bucket may differ before its owner is asked for it (real seconds); "
        "then again with pauses that double.",
    )
