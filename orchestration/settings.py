"""The one configuration object: environment over `espalier.toml`.

Policy (zones, thresholds, periods, schedules) belongs in the file; secrets come from the environment only.
Nothing here connects; `orchestration/database_url.py` reads the forms in which sites write their database's address.
"""

import json
import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from orchestration.database_url import DatabaseUrl, read_database_url
from orchestration.errors import EspalierError
from orchestration.settings_errors import explain, refuse_unknown_variables
from orchestration.zones import refuse_zone_with_colliding_days, zone_info

PROJECT = Path(__file__).resolve().parent.parent

Domain = Literal["behavior", "community", "lms", "rag"]
DOMAINS: tuple[Domain, ...] = get_args(Domain)
Role = Literal["bootstrap", "migrator", "jobs", "app", "analytics", "backup", "dagster"]
ROLES: tuple[Role, ...] = get_args(Role)


class _Policy(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class MasteryPolicy(_Policy):
    """How mastery is derived from attempts: `docs/adr` says why.

    `z` sets how sure the lower bound of the share of right answers is (1.2816 is 90 %, one-sided). A hint and a day
    without practice lower the weight, each up to its cap; the weight never falls below its floor.
    """

    z: float = Field(default=1.2816, ge=0, le=10)
    hint_step: float = Field(default=0.1, ge=0, le=1)
    hint_cap: float = Field(default=0.3, ge=0, le=1)
    decay_after_days: int = Field(default=7, ge=0, le=3650)
    decay_step: float = Field(default=0.02, ge=0, le=1)
    decay_cap: float = Field(default=0.3, ge=0, le=1)
    weight_floor: float = Field(default=0.1, ge=0, le=1)


class CommunityPolicy(_Policy):
    """Policy of the community domain: the zone of its days, first partition, days of late data, mastery."""

    zone: str = "UTC"
    start_date: date = date(2025, 1, 1)
    late_days: int = Field(default=1, ge=0, le=60)
    mastery: MasteryPolicy = MasteryPolicy()

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, zone: str) -> str:
        return zone_info(zone).key


class LmsPolicy(_Policy):
    """Policy of the lms domain: whether row security keeps its organizations apart (`docs/tenants.md`).

    Left out, it does on a site that we built, and does not on one that was adopted.
    """

    tenant_isolation: bool | None = None


class SloTargets(_Policy):
    """Service level objectives of seed 004. Rates in percent, latency in ms, cost in JPY an answer."""

    citation_rate_min: float = Field(default=70, ge=0, le=100)
    latency_p50_ms_max: float = Field(default=1500, gt=0)
    latency_p95_ms_max: float = Field(default=3000, gt=0)
    cost_jpy_max: float = Field(default=3.0, ge=0)
    relevance_min: float = Field(default=0.7, ge=0, le=1)


class RagPolicy(_Policy):
    """Policy of the rag domain: zone of the days, first partition, days of late data, objectives."""

    zone: str = "Asia/Tokyo"
    start_date: date = date(2025, 1, 1)
    late_days: int = Field(default=3, ge=0, le=60)
    slo: SloTargets = SloTargets()

    @field_validator("zone")
    @classmethod
    def _zone_keeps_days_apart(cls, zone: str) -> str:
        return refuse_zone_with_colliding_days(zone)


class GraphPolicy(_Policy):
    """Policy of the graph: who is left out of it, when its lag is alarming, how much a repair may change.

    `drift_bound` is the share of the graph's elements above which a repair stops and asks; `max_hops` bounds a walk
    that names no bound of its own; `export_days` is how long the daily exports are kept. A concept counts as mastered
    from the score `mastered_from`, as weak below `weak_below`.
    """

    leave_out: tuple[Literal["opted_out", "shadow_banned", "suspended"], ...] = ("opted_out", "suspended")
    batch_size: int = Field(default=5000, ge=1, le=50_000)
    lag_alert_seconds: int = Field(default=120, ge=1)
    drift_bound: float = Field(default=0.05, ge=0, le=1)
    export_days: int = Field(default=30, ge=1)
    max_hops: int = Field(default=10, ge=1, le=50)
    mastered_from: float = Field(default=0.8, ge=0, le=1)
    weak_below: float = Field(default=0.4, ge=0, le=1)


class Neo4jAddress(BaseModel):
    """Where the graph's server is and who we are there."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    uri: str
    user: str
    password: SecretStr


class Schedule(_Policy):
    """When a nightly job runs: a cron expression and the zone in which it is meant."""

    cron: str
    zone: str

    @field_validator("zone")
    @classmethod
    def _zone_exists(cls, zone: str) -> str:
        return zone_info(zone).key


class Schedules(_Policy):
    """The schedule of each nightly job."""

    nightly_platform: Schedule = Schedule(cron="30 1 * * *", zone="UTC")
    nightly_behavior: Schedule = Schedule(cron="30 2 * * *", zone="UTC")
    nightly_community: Schedule = Schedule(cron="0 2 * * *", zone="UTC")
    nightly_lms: Schedule = Schedule(cron="45 2 * * *", zone="UTC")
    nightly_rag: Schedule = Schedule(cron="0 2 * * *", zone="Asia/Tokyo")
    nightly_graph: Schedule = Schedule(cron="0 3 * * *", zone="UTC")


class Settings(BaseSettings):
    """All settings of a site; see `espalier.toml` for the meaning of each policy."""

    model_config = SettingsConfigDict(
        env_prefix="ESPALIER_", env_nested_delimiter="__", extra="forbid", frozen=True, populate_by_name=True
    )

    home: Path = PROJECT / ".espalier"
    domains: Annotated[tuple[Domain, ...], NoDecode] = ("community", "rag")
    behavior_schema: str = Field(default="", pattern=r"^\w*$", max_length=63)
    community_schema: str = Field(default="", pattern=r"^\w*$", max_length=63)
    lms_schema: str = Field(default="", pattern=r"^\w*$", max_length=63)
    rag_schema: str = Field(default="", pattern=r"^\w*$", max_length=63)
    database_url: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("DATABASE_URL", "database_url"), repr=False
    )
    direct_database_url: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("DIRECT_DATABASE_URL", "direct_database_url"), repr=False
    )
    dagster_database_url: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("DAGSTER_DATABASE_URL", "dagster_database_url"), repr=False
    )
    neo4j_uri: str | None = Field(default=None, validation_alias=AliasChoices("NEO4J_URI", "neo4j_uri"))
    neo4j_user: str = Field(default="neo4j", validation_alias=AliasChoices("NEO4J_USER", "neo4j_user"))
    neo4j_password: SecretStr | None = Field(
        default=None, validation_alias=AliasChoices("NEO4J_PASSWORD", "neo4j_password"), repr=False
    )
    webhook_url: SecretStr | None = Field(default=None, repr=False)
    jobs_role: str = Field(default="espalier_jobs", max_length=63)
    app_role: str = Field(default="espalier_app", max_length=63)
    analytics_role: str = Field(default="espalier_analytics", max_length=63)
    backup_role: str = Field(default="espalier_backup", max_length=63)
    owner_role: str = Field(default="espalier_owner", max_length=63)
    analytics_views: bool = False
    ui_port: int = Field(default=3000, ge=1, le=65535)
    ui_allowed_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    quarantine_budget: float = Field(default=0.05, ge=0, le=1)
    community: CommunityPolicy = CommunityPolicy()
    lms: LmsPolicy = LmsPolicy()
    rag: RagPolicy = RagPolicy()
    graph: GraphPolicy = GraphPolicy()
    schedules: Schedules = Schedules()

    @field_validator("domains", "ui_allowed_hosts", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        return tuple(n.strip() for n in value.split(",") if n.strip()) if isinstance(value, str) else value

    @field_validator("domains")
    @classmethod
    def _name_a_domain(cls, value: tuple[Domain, ...]) -> tuple[Domain, ...]:
        if not value:
            raise ValueError(f"names no domain; allowed are {', '.join(DOMAINS)}")
        return tuple(dict.fromkeys(value))

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return Path(os.path.abspath(value.expanduser()))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order of precedence: arguments, environment, the TOML file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls, config_file())

    def schema_of(self, domain: Domain) -> str:
        """Name the Postgres schema of a domain: its setting, else the URL's `?schema=`, else the domain."""
        configured: dict[Domain, str] = {
            "behavior": self.behavior_schema,
            "community": self.community_schema,
            "lms": self.lms_schema,
            "rag": self.rag_schema,
        }
        return configured[domain] or self._schema_in_url() or domain

    @property
    def role_names(self) -> dict[str, str]:
        """Name the database's roles that `migrations/grants.toml` gives rights to, by their short names there."""
        return {
            "jobs": self.jobs_role,
            "app": self.app_role,
            "analytics": self.analytics_role,
            "backup": self.backup_role,
            "owner": self.owner_role,
        }

    @property
    def nightly_domains(self) -> tuple[Domain, ...]:
        """Which of the site's domains have a nightly job: those for which `schedules` has a time."""
        return tuple(domain for domain in self.domains if f"nightly_{domain}" in Schedules.model_fields)

    def _schema_in_url(self) -> str | None:
        return self._external("DATABASE_URL", self.database_url).schema if self.database_url else None

    @staticmethod
    def _external(name: str, secret: SecretStr) -> DatabaseUrl:
        return read_database_url(name, secret.get_secret_value())

    @property
    def notices(self) -> tuple[str, ...]:
        """What was left out of the given database addresses, one line each."""
        return tuple(n for url in self._externals().values() for n in url.notices)

    def _externals(self) -> dict[Role, DatabaseUrl]:
        """Read the addresses given for servers that are not ours, by the role that uses them."""
        given: dict[Role, tuple[str, SecretStr | None]] = {
            "jobs": ("DATABASE_URL", self.database_url),
            "migrator": ("DIRECT_DATABASE_URL", self.direct_database_url)
            if self.direct_database_url
            else ("DATABASE_URL", self.database_url),
            "dagster": ("DAGSTER_DATABASE_URL", self.dagster_database_url),
        }
        return {role: self._external(name, secret) for role, (name, secret) in given.items() if secret}

    @property
    def uses_embedded_server(self) -> bool:
        """Whether a role has no address of its own, so that the embedded Postgres is needed."""
        return not {"jobs", "migrator", "dagster"} <= self._externals().keys()

    def url(self, role: Role) -> str:
        """Give the libpq URL of a role.

        Raises:
            EspalierError: there is neither an address in the environment nor an embedded server yet.
        """
        external = self._externals()
        if role in external:
            return external[role].url
        if role in self.role_names and "migrator" in external:
            raise EspalierError(
                f"{self.role_names[role]} has no address here: DATABASE_URL names a server that is not ours; connect "
                "with the password that it was given there"
            )
        return self._embedded_urls()[role]

    @property
    def uses_embedded_graph(self) -> bool:
        """Whether no address of a Neo4j is given, so that the embedded one is needed."""
        return self.neo4j_uri is None

    def neo4j(self) -> Neo4jAddress:
        """Give the address of the graph's server: NEO4J_URI, else the embedded one's.

        Raises:
            EspalierError: there is neither, or the password of the one that was given is missing.
        """
        if self.neo4j_uri is None:
            return self._embedded_neo4j()
        if self.neo4j_password is None:
            raise EspalierError(f"NEO4J_PASSWORD: not set, NEO4J_URI is {self.neo4j_uri}; set it")
        return Neo4jAddress(uri=self.neo4j_uri, user=self.neo4j_user, password=self.neo4j_password)

    def _embedded_neo4j(self) -> Neo4jAddress:
        text = _read_access(self.home / "neo4j" / "connection.json", "no Neo4j: NEO4J_URI")
        return Neo4jAddress.model_validate_json(text)

    def _embedded_urls(self) -> Mapping[Role, str]:
        return json.loads(_read_access(self.home / "postgres" / "connections.json", "no Postgres: DATABASE_URL"))


def _read_access(path: Path, missing: str) -> str:
    """Read how an embedded server is reached."""
    try:
        return path.read_text()
    except FileNotFoundError:
        raise EspalierError(f"{missing} is not set and {path} does not exist; run `espalier up`") from None
    except PermissionError:
        raise EspalierError(f"{path} belongs to another user; set ESPALIER_HOME to your own") from None


def config_file() -> Path:
    """Name the policy file: `ESPALIER_CONFIG`, else `espalier.toml` of the project."""
    path = Path(os.environ.get("ESPALIER_CONFIG") or PROJECT / "espalier.toml")
    if not path.is_file():
        raise EspalierError(f"ESPALIER_CONFIG: no file {path}; unset it or name an existing TOML file")
    return path


def load_settings(**overrides: Any) -> Settings:
    """Read the settings; arguments win over the environment, the environment over the file.

    Raises:
        EspalierError: a key or value is wrong; one line with its name, what was found, what is allowed.
    """
    refuse_unknown_variables(Settings)
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        raise EspalierError(explain(error, Settings, config_file())) from None
    except ValueError as error:
        raise EspalierError(f"{config_file()}: {error}; correct the file") from None
    _refuse_shared_schema(settings)
    return settings


def _refuse_shared_schema(settings: Settings) -> None:
    schemas = {domain: settings.schema_of(domain) for domain in settings.domains}
    if len(set(schemas.values())) < len(schemas):
        found = ", ".join(f"{domain} in {schema}" for domain, schema in schemas.items())
        raise EspalierError(
            f"each domain needs a schema of its own, found {found}; set ESPALIER_<DOMAIN>_SCHEMA or ESPALIER_DOMAINS"
        )
    if "espalier" in schemas.values():
        raise EspalierError("the schema espalier is ours and cannot hold a domain; name another schema")


def sqlalchemy_url(url: str) -> str:
    """Turn a libpq URL into the one that SQLAlchemy takes with psycopg 3."""
    return url.replace("postgresql://", "postgresql+psycopg://", 1)
