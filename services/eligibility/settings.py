"""Settings of eligibility."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings


class EligibilitySettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="FIRSTBUY_ELIGIBILITY_", frozen=True)

    http_port: int = Field(8002, description="HTTP port: the API, health, metrics and AsyncAPI.")
