"""Settings of intake."""

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.service.settings import ServiceSettings


class IntakeSettings(ServiceSettings):
    """Read from `FIRSTBUY_INTAKE_…`."""

    model_config = SettingsConfigDict(env_prefix="FIRSTBUY_INTAKE_", frozen=True)

    http_port: int = Field(8001, description="HTTP port: the API, health, metrics and AsyncAPI.")
    database_connections: int = Field(16, ge=6, description="Most connections kept to it by one replica.")
    operator_token_hash: str = Field(
        "", pattern=r"^([0-9a-f]{64})?$", description="SHA-256 of the first operator's token, which makes all others."
    )
    body_bytes: int = Field(262_144, ge=1024, description="Largest application body accepted.")
    waiting_submissions: int = Field(20_000, ge=1, description="Submissions waiting at once; more are answered 429.")
    group_size: int = Field(256, ge=1, description="Most submissions that share one transaction.")
    drain_seconds: float = Field(
        2.0, ge=0, description="After the close, how long what was received in time is still written (real seconds)."
    )
    skew_seconds: float = Field(
        1.0, ge=0, description="After the close, how long brokers' clocks may lag before inbox ends are read."
    )
    clock_offset_seconds: float = Field(
        1.0, gt=0, description="Not ready while the server's clock is surely further from the database's than this."
    )
    identity_url: str = Field(
        "",
        pattern=r"^(https?://\S+)?$",
        description="국세청 사업자등록정보 진위확인, up to `/v1`, which confirms firms; empty: none is confirmed. "
        "Published: `https://api.odcloud.kr/api/nts-businessman/v1`.",
    )
    identity_key: SecretStr = Field(SecretStr(""), description="Its service key.")
    identity_seconds: float = Field(10.0, gt=0, description="How long it may take to answer.")
    kept_bytes: int = Field(
        134_217_728,
        ge=0,
        description="Most bytes of finished answers (results) that are kept, in the folder for temporary files.",
    )
    plain_webhooks: bool = Field(
        False,
        description="Webhooks may go to http:// and to private addresses: only where receivers stand in a network of "
        "one's own. Notify has to allow it too.",
    )
    announcing_officers: int = Field(
        2, ge=1, le=2, description="Officers it takes to announce a round; 1 is for a stack to try things on."
    )
    approval_hours: int = Field(72, ge=1, description="How long an officer's act waits for a second officer.")
    upload_bytes: int = Field(2_097_152, ge=1024, description="Largest table that institutions may upload.")
    upload_rows: int = Field(2000, ge=1, le=20_000, description="Most rows of one.")
    upload_unpacked_bytes: int = Field(33_554_432, ge=1024, description="Most bytes an XLSX among them may unpack to.")
    upload_seconds: int = Field(20, ge=1, description="Seconds of the processor in which one has to be read.")
    upload_memory_bytes: int = Field(
        536_870_912, ge=134_217_728, description="Memory in which one has to be read; two are read at once."
    )
