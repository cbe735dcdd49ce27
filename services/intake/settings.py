"""Settings of intake."""

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from shared.service.settings import ServiceSettings
from shared.service.settings_files import Settings


class DocumentStoreSettings(Settings):
    """Where documents are kept; whoever backs them up or looks whether they can be reached reads it too."""

    model_config = SettingsConfigDict(env_prefix="FIRSTBUY_INTAKE_", frozen=True)

    document_store: str = Field(
        "var/documents",
        pattern=r"^(s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/\S*)?|[^:]+)$",
        description="Where applications' documents are kept: a folder that all replicas share, or `s3://bucket/prefix`.",
    )
    document_s3_endpoint: str = Field(
        "", pattern=r"^(https?://\S+)?$", description="Address of the store that speaks S3; empty: AWS."
    )
    document_s3_region: str = Field("us-east-1", description="Its region.")
    document_s3_access_key: str = Field("", description="Its access key; empty: as the machine's role has it.")
    document_s3_secret_key: SecretStr = Field(SecretStr(""), description="The secret key of that.")
    document_s3_ca_file: str = Field(
        "", description="PEM file of the authority that signed its certificate; empty: those that the machine trusts."
    )


class IntakeSettings(DocumentStoreSettings, ServiceSettings):
    """Read from `FIRSTBUY_INTAKE_…`."""

    model_config = SettingsConfigDict(env_prefix="FIRSTBUY_INTAKE_", frozen=True)

    http_port: int = Field(8001, description="HTTP port: the API, health, metrics and AsyncAPI.")
    database_connections: int = Field(16, ge=6, description="Most database connections of one replica.")
    operator_token_hash: str = Field(
        "", pattern=r"^([0-9a-f]{64})?$", description="SHA-256 of the first operator's token, which creates all others."
    )
    edge_token_hash: str = Field(
        "",
        pattern=r"^([0-9a-f]{64}(\s+[0-9a-f]{64})*)?$",
        description="SHA-256 of the tokens of edges, such as the portal, with blanks between: the moment at which an "
        "edge had read a form counts, within `DRAIN_SECONDS`. Empty: there is none.",
    )
    body_bytes: int = Field(262_144, ge=1024, description="Largest application body accepted.")
    waiting_submissions: int = Field(
        20_000, ge=1, description="Most submissions that wait at once; more are answered 429."
    )
    group_size: int = Field(256, ge=1, description="Most submissions that share one transaction.")
    drain_seconds: float = Field(
        2.0, ge=0, description="How long after the close timely submissions are still written (real seconds)."
    )
    skew_seconds: float = Field(
        1.0,
        ge=0,
        description="How long after the close inbox ends are read, since brokers' clocks may lag (real seconds).",
    )
    clock_offset_seconds: float = Field(
        1.0,
        gt=0,
        description="Not ready while the server's and the database's clocks certainly differ by more (seconds).",
    )
    identity_url: str = Field(
        "",
        pattern=r"^(https?://\S+)?$",
        description="Address of 국세청 사업자등록정보 진위확인, up to `/v1`; empty: no firm is confirmed. "
        "Published: `https://api.odcloud.kr/api/nts-businessman/v1`.",
    )
    identity_key: SecretStr = Field(SecretStr(""), description="Its service key.")
    identity_seconds: float = Field(10.0, gt=0, description="How long the tax service may take to answer.")
    kept_bytes: int = Field(
        134_217_728,
        ge=0,
        description="Most bytes of cached answers (results), in the folder for temporary files.",
    )
    plain_webhooks: bool = Field(
        False,
        description="Allows webhooks to http:// and to private addresses, for receivers in your own network only. "
        "Notify has to allow them too.",
    )
    announcing_officers: int = Field(
        2, ge=1, le=2, description="Officers needed to announce a round; 1 is for test stacks."
    )
    approval_hours: int = Field(72, ge=1, description="How long an officer's act waits for a second officer.")
    upload_bytes: int = Field(2_097_152, ge=1024, description="Largest table that institutions may upload.")
    upload_rows: int = Field(2000, ge=1, le=20_000, description="Most rows of such a table.")
    upload_unpacked_bytes: int = Field(33_554_432, ge=1024, description="Most bytes that an XLSX may unpack to.")
    upload_seconds: int = Field(20, ge=1, description="Most processor time to read one (seconds).")
    upload_memory_bytes: int = Field(
        536_870_912, ge=134_217_728, description="Most memory to read one (bytes); two are read at once."
    )
    document_bytes: int = Field(20_971_520, ge=1024, description="Largest document.")
    application_documents_bytes: int = Field(
        209_715_200, ge=1024, description="Most bytes of the documents of one application."
    )
    network_documents_bytes: int = Field(
        2_147_483_648, ge=1024, description="Most bytes of documents that one network uploads within a day."
    )
    waiting_documents_bytes: int = Field(
        21_474_836_480,
        ge=1024,
        description="Most bytes of documents that no application names; of unknown senders, half of that.",
    )
    document_clamd: str = Field(
        "",
        pattern=r"^(tcp://\S+:[0-9]+|unix:/\S+)?$",
        description="A clamd that looks at each document, `tcp://host:3310` or `unix:/run/clamav/clamd.ctl`; while it "
        "can't be asked no document is taken. Empty: nobody looks for viruses.",
    )
    document_uploads: int = Field(
        12,
        ge=1,
        description="Most documents received at once of unknown senders, and as many of an edge or staff; each has a "
        "temporary file of its size meanwhile.",
    )
    document_seconds: int = Field(20, ge=1, description="Most processor time to look at a document (seconds).")
    document_memory_bytes: int = Field(
        402_653_184, ge=134_217_728, description="Most memory to look at one (bytes); two are looked at at once."
    )
