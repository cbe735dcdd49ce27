"""Settings of eligibility."""

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.service.settings import ServiceSettings


class EligibilitySettings(ServiceSettings):
    """Read from `FIRSTBUY_ELIGIBILITY_…`."""

    model_config = SettingsConfigDict(env_prefix="FIRSTBUY_ELIGIBILITY_", frozen=True)

    http_port: int = Field(8002, description="HTTP port: the API, health, metrics and AsyncAPI.")
    database_connections: int = Field(
        8, ge=4, description="Most database connections of one replica; the job of each registry holds one of them."
    )
    repair_seconds: float = Field(
        5.0,
        gt=0,
        description="How long after the freeze a bucket may differ before its owner is asked for it (real seconds); "
        "asked again after pauses that double.",
    )
    business_status_url: str = Field(
        "",
        pattern=r"^(https?://\S+)?$",
        description="Address of 국세청 사업자등록 상태조회, up to `/v1`; empty: policies that ask it wait. Published: "
        "`https://api.odcloud.kr/api/nts-businessman/v1`.",
    )
    business_status_key: SecretStr = Field(SecretStr(""), description="Its service key.")
    certificates_url: str = Field(
        "",
        pattern=r"^(https?://\S+)?$",
        description="Full address of the registry of certificates; empty: policies that ask it wait.",
    )
    certificates_key: SecretStr = Field(SecretStr(""), description="Its service key, plain or URL-encoded.")
    registry_timeout_seconds: float = Field(10.0, gt=0, description="How long a registry may take to answer.")
    registry_calls_per_second: float = Field(10.0, gt=0, description="Most calls per second to one registry.")
    registry_fresh_hours: float = Field(
        24.0,
        ge=0,
        description="How old an answer may be to be reused for another application or round in its first epoch.",
    )
    registry_first_pause_seconds: float = Field(
        1.0, gt=0, description="Pause after a registry's first failure; doubled after each that follows it."
    )
    registry_failures: int = Field(
        5, ge=1, description="Failures in a row after which only one call is tried at a time."
    )
    registry_open_seconds: float = Field(30.0, gt=0, description="Pause between such single calls.")
