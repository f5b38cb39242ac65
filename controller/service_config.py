"""The tables of a line file that say how the line is served: pages and API, store, trends, MQTT, plant, people.

    [service]
    host = "127.0.0.1"
    port = 8540

    [store]
    url = "postgresql://pressline@db.plant.example/pressline"
    password_file = "/etc/pressline/store-password"

Each key's meaning, limits and default stand at its field; the reader, the JSON Schema and the reference are made from
them. A file that is named, also that of an sqlite URL, counts from the folder of the line file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from controller.line_keys import Table, read_table, setting, table_toml
from controller.line_kinds import FileName, Flag, Named, Number, OneOf, Texts, Whole
from controller.line_secrets import Secret, with_password
from controller.service_kinds import (
    HOST,
    LEVEL,
    LINE_AT_PLANT,
    MQTT_URL,
    NAME,
    ORIGIN,
    PLANT_URL,
    SECRET_FILE,
    SQLITE,
    STORE_URL,
    TAG,
    VARIABLE,
    WEB_URL,
)

KEEP_ALIVE_S = 15
"""Seconds of silence after which a broker is asked whether it is there; it counts as gone after one and a half of these
without an answer (engineering judgement)."""
HOST_KEEP_ALIVE_S = 60
"""The same of a Sparkplug host application, where nothing else is said: what MQTT clients mostly take."""
VALUES_HZ = 1.0
"""Messages of values a second and unit at most; a person sees no more, and trends are the historian's (engineering
judgement)."""


@dataclass(frozen=True, slots=True)
class WebConfig(Table):
    """[service]: where the pages and the API are, and for how long somebody is signed in."""

    TOGETHER: ClassVar = (("certificate", "key"), ("key", "certificate"))

    host: str = setting(
        HOST, "where the pages and the API listen; beyond this computer only with TLS and users", "127.0.0.1"
    )
    port: int = setting(Whole(0, 65535), "the port there; 0 takes a free one, which is told at the start", 8540)
    certificate: Path | None = setting(
        FileName(), "TLS certificate with its chain, PEM", None, absent="no TLS", live=True
    )
    key: Path | None = setting(FileName(), "the certificate's private key, PEM", None, absent="no TLS", live=True)
    origins: tuple[str, ...] = setting(
        Texts(ORIGIN), "other origins whose pages may use the API", (), absent="only its own"
    )
    session_idle_min: int = setting(
        Whole(1, 1440, "minutes"), "without a request a session ends after so long (default: NIST SP 800-63B, AAL2)", 30
    )
    session_max_h: int = setting(
        Whole(1, 168, "hours"), "a session ends after so long in any case (default: NIST SP 800-63B, AAL2)", 12
    )
    log_level: str = setting(OneOf(("debug", "info", "warning", "error")), "what is logged at least", "info", live=True)
    at_stop: str = setting(
        OneOf(("hold", "stop")),
        "what becomes of runs when the service ends: held and left open for its next start, or stopped",
        "hold",
    )
    log_format: str = setting(
        OneOf(("auto", "console", "json", "journald")),
        "how; auto is console at a terminal, journald under systemd, else json",
        "auto",
    )


@dataclass(frozen=True, slots=True)
class StoreConfig(Table):
    """[store]: where journal, recipes, people and everything else is kept."""

    APART: ClassVar = (("password_file", "password_env"),)
    SECRETS: ClassVar = ("password",)

    url: str = setting(
        STORE_URL,
        "the database",
        "sqlite:///pressline.sqlite",
        absent="`pressline.sqlite` in the folder where it is started",
    )
    password_file: Path | None = setting(SECRET_FILE, "a file with the password of a PostgreSQL store", None)
    password_env: str | None = setting(VARIABLE, "the variable of the environment with that password", None)
    folder: Path = setting(
        FileName("the name of a folder"),
        "for what the service keeps itself: of a PostgreSQL store the anchor, the rescue file and sealed trends",
        Path(),
        absent="the folder where it is started",
    )

    @property
    def password(self) -> Secret | None:
        """Where the password is; None where there is none."""
        return _secret("store.password", self.password_file, self.password_env)

    @property
    def file(self) -> Path | None:
        """The file of an SQLite store; None for PostgreSQL."""
        return Path(self.url.removeprefix(SQLITE)) if self.url.startswith(SQLITE) else None

    def whole_url(self) -> str:
        """The URL with its password, for the database and nobody else. Raises SecretUnusable."""
        return with_password(self.url, self.password)


@dataclass(frozen=True, slots=True)
class HistorianConfig(Table):
    """[historian]: the trends of every tag."""

    LIVE: ClassVar = True

    enabled: bool = setting(Flag(), "whether trends are kept", True)
    keep_days: int | None = setting(Whole(1, 36500, "days"), "trends go after so long", None, absent="kept for good")
    max_gb: float | None = setting(
        Number(0.1, 1e6, "GB"), "the oldest trends go beyond this size", None, absent="no limit"
    )
    deadband: tuple[tuple[str, float], ...] = setting(
        Named(TAG, Number(0, 1e9)),
        "a value of the tag UNIT.SIGNAL is kept when it has changed by more, in the signal's unit",
        (),
        absent="every value is kept",
    )


@dataclass(frozen=True, slots=True)
class SparkplugConfig(Table):
    """[mqtt.sparkplug]: the line as an edge node of Sparkplug B."""

    LIVE: ClassVar = True

    group: str = setting(LEVEL, "the group id")
    node: str = setting(LEVEL, "the edge node id, one for each line of a group")
    primary_host: str | None = setting(
        LEVEL, "the host application without which data wait in the outbox", None, absent="nobody is waited for"
    )
    host_keep_alive_s: int = setting(
        Whole(5, 3600, "seconds"),
        "the keep-alive of that host's connection: what it was told in one and a half of these before it was seen to be"
        " gone is told again",
        HOST_KEEP_ALIVE_S,
    )


@dataclass(frozen=True, slots=True)
class MqttConfig(Table):
    """[mqtt]: the broker that is told about the line. Without this table nothing is published."""

    LIVE: ClassVar = True
    TOGETHER: ClassVar = (
        ("certificate", "key"),
        ("key", "certificate"),
        ("password_file", "user"),
        ("password_env", "user"),
    )
    APART: ClassVar = (("password_file", "password_env"),)
    SECRETS: ClassVar = ("password",)

    url: str = setting(MQTT_URL, "the broker; mqtts is TLS")
    version: str = setting(OneOf(("3.1.1", "5")), "the version of MQTT", "5")
    client_id: str | None = setting(LEVEL, "how the broker knows us", None, absent="made from site, area and line")
    user: str | None = setting(NAME, "the user's name at the broker", None)
    password_file: Path | None = setting(SECRET_FILE, "a file with the user's password", None)
    password_env: str | None = setting(VARIABLE, "the variable of the environment with that password", None)
    ca: Path | None = setting(FileName(), "whose certificates count, PEM", None, absent="those of the system")
    certificate: Path | None = setting(FileName(), "our certificate for the broker, PEM", None)
    key: Path | None = setting(FileName(), "its private key, PEM", None)
    keep_alive_s: int = setting(
        Whole(5, 600, "seconds"), "a broker that is silent for longer is asked, and then gone", KEEP_ALIVE_S
    )
    site: str = setting(LEVEL, "the first level of every topic", "site")
    area: str = setting(LEVEL, "the second level", "area")
    line: str | None = setting(LEVEL, "the third level", None, absent="the line's name, cleaned")
    live_hz: float = setting(Number(0.1, 20, "messages a second"), "values of a unit at most so often", VALUES_HZ)
    outbox_max_mb: int = setting(
        Whole(1, 100_000, "MB"), "what waits for the broker at most; beyond it the least important goes, counted", 1000
    )
    json: bool = setting(Flag(), "whether the JSON topics are published", True)
    sparkplug: SparkplugConfig | None = setting(SparkplugConfig, "Sparkplug B besides", None, absent="none")

    @property
    def password(self) -> Secret | None:
        """Where the password is; None where there is none."""
        return _secret("mqtt.password", self.password_file, self.password_env)


@dataclass(frozen=True, slots=True)
class PlantConfig(Table):
    """[plant]: the plant's database, into which the line is copied. Without this table it is not."""

    LIVE: ClassVar = True
    APART: ClassVar = (("password_file", "password_env"),)
    SECRETS: ClassVar = ("password",)

    url: str = setting(PLANT_URL, "the plant's PostgreSQL")
    line: str = setting(LINE_AT_PLANT, "this line's name there, another one for each line")
    password_file: Path | None = setting(SECRET_FILE, "a file with the password of that database", None)
    password_env: str | None = setting(VARIABLE, "the variable of the environment with that password", None)

    @property
    def password(self) -> Secret | None:
        """Where the password is; None where there is none."""
        return _secret("plant.password", self.password_file, self.password_env)

    def whole_url(self) -> str:
        """The URL with its password, for the database and nobody else. Raises SecretUnusable."""
        return with_password(self.url, self.password)


@dataclass(frozen=True, slots=True)
class OidcConfig(Table):
    """[people.oidc]: signing in by the plant's OpenID provider."""

    APART: ClassVar = (("client_secret_file", "client_secret_env"),)
    SECRETS: ClassVar = ("client_secret",)

    issuer: str = setting(WEB_URL, "the provider's issuer, as its tokens say it")
    client_id: str = setting(NAME, "how the provider knows this service")
    redirect_url: str = setting(WEB_URL, "where the provider sends the browser back to")
    client_secret_file: Path | None = setting(
        SECRET_FILE, "a file with the client's secret", None, absent="a public client"
    )
    client_secret_env: str | None = setting(VARIABLE, "the variable of the environment with that secret", None)
    ca: Path | None = setting(FileName(), "whose certificates count, PEM", None, absent="those of the system")
    scopes: tuple[str, ...] = setting(
        Texts(NAME), "what is asked of the provider; `openid` always", ("openid", "profile")
    )
    name: str = setting(NAME, "the claim by whose value somebody is called here", "preferred_username")
    claim: str = setting(NAME, "the claim of a token that says what somebody is", "groups")
    roles: tuple[tuple[str, str], ...] = setting(
        Named(NAME, OneOf(("viewer", "operator", "engineer", "administrator"))),
        "which value of the claim gives which role",
        (),
        absent="nobody gets in this way",
    )

    @property
    def client_secret(self) -> Secret | None:
        """Where the client's secret is; None for a public client."""
        return _secret("people.oidc.client_secret", self.client_secret_file, self.client_secret_env)


@dataclass(frozen=True, slots=True)
class PeopleConfig(Table):
    """[people]: who is at the line."""

    at_once: int = setting(
        Whole(1, 100), "how many people are at the line, so many tasks are asked for at once", 2, live=True
    )
    oidc: OidcConfig | None = setting(OidcConfig, "signing in by an OpenID provider", None, absent="passwords only")


@dataclass(frozen=True, slots=True)
class ServiceConfig:
    """How a line is served. mqtt is None where nothing is published, plant where the line is not copied."""

    service: WebConfig = field(default_factory=WebConfig)
    store: StoreConfig = field(default_factory=StoreConfig)
    historian: HistorianConfig = field(default_factory=HistorianConfig)
    mqtt: MqttConfig | None = None
    plant: PlantConfig | None = None
    people: PeopleConfig = field(default_factory=PeopleConfig)


SERVICE_TABLES: Mapping[str, type[Table]] = {
    "service": WebConfig,
    "store": StoreConfig,
    "historian": HistorianConfig,
    "mqtt": MqttConfig,
    "plant": PlantConfig,
    "people": PeopleConfig,
}
"""The tables of a line file that `read_service` reads."""
_OPTIONAL = ("mqtt", "plant")


def read_service(raw: Mapping[str, Any], file: Path, faults: list[str]) -> ServiceConfig:
    """How the line of a file is served; what is wrong is added to `faults`. Whether files are there is not asked."""
    wanted = {name: table for name, table in SERVICE_TABLES.items() if name in raw or name not in _OPTIONAL}
    read = {name: read_table(table, raw.get(name, {}), file, name, faults) for name, table in wanted.items()}
    usable: dict[str, Any] = {name: table for name, table in read.items() if table is not None}
    config = ServiceConfig(**usable)
    if config.plant is not None and config.plant.url == config.store.url:
        faults.append(f"{file}: plant.url is the line's own store; expected another database")
    return config


def service_toml(config: ServiceConfig) -> list[str]:
    """The tables that `read_service` reads back as the same."""
    tables = {name: getattr(config, name) for name in SERVICE_TABLES}
    written = [table_toml(name, table) for name, table in tables.items() if table is not None]
    return [text for text in written if "\n" in text]


def _secret(name: str, file: Path | None, env: str | None) -> Secret | None:
    return None if file is None and env is None else Secret(name, file, env)
