"""Settings of selection."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.settings import ServiceSettings


class SelectionSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="FIRSTBUY_SELECTION_", frozen=True)

    http_port: int = Field(8003, description="HTTP port: the API, health, metrics and AsyncAPI.")
