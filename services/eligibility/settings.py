"""Settings of eligibility."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings


class EligibilitySettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="FIRSTBUY_ELIGIBILITY_", frozen=True)

    http_port: int = Field(8002, description="HTTP port: the API, health, metrics and AsyncAPI.")
    repair_seconds: float = Field(
        5.0,
        gt=0,
        description="How long after the freeze a bucket may differ before its owner is asked for it (real seconds); "
        "then again with pauses that double.",
    )
