"""The settings: the only reader of the environment and of `.env`."""

import os
import re
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from conflict_assets.domain.policy import IncompleteActuals
from conflict_assets.domain.privacy import MaskedError, know_secrets
from conflict_assets.secret_files import SecretFileError, SecretFiles

DEFAULT_SOURCE_NAME = "visits.duckdb"
NIGHT_STARTS = "02:00"
LONGEST_FOLDER, LONGEST_NAME = 700, 255
"""Bytes of the data folder's path, and of each name in it: PostgreSQL's programs know paths of 1,023 bytes."""
_UNUSABLE = re.compile(r"[\0-\x1f\x7f-\x9f?*\[]" if os.sep == "\\" else r"[\0-\x1f\x7f-\x9f?*\[\\]")
"""DuckDB takes ? for the end of a name and a backslash for a slash, Dagster looks for its configuration by a pattern,
and PostgreSQL's configuration ends at a new line."""

_SECRETS = {
    "snowflake_url",
    "snowflake_password",
    "snowflake_private_key",
    "snowflake_private_key_password",
    "snowflake_token",
    "conflicts_postgres_url",
    "dagster_postgres_url",
    "report_url",
    "alert_smtp_password",
    "alert_webhook_url",
}


class SettingsError(MaskedError):
    """A setting has a wrong value; the message names the variable, what was found and what is allowed."""


def project_folder() -> Path:
    """Where `.env` and `data` are looked for: the checkout with the package, else the working folder."""
    checkout = Path(__file__).resolve().parent.parent
    return checkout if (checkout / "pyproject.toml").is_file() else Path.cwd()


def _setting(default: Any, allowed: str, description: str, **bounds: float) -> Any:
    return Field(default, description=description, json_schema_extra={"allowed": allowed}, **bounds)  # type: ignore[call-overload]


class Settings(BaseSettings):
    """Every setting, its default and what is allowed. The variable is the field's name in capitals."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    source: Literal["duckdb", "snowflake"] | None = _setting(
        None,
        "duckdb or snowflake",
        "Where visits are read; unset: snowflake when SNOWFLAKE_ACCOUNT is set, else duckdb",
    )
    source_file: Path | None = _setting(
        None, "the path of a DuckDB file", "The embedded source; unset: visits.duckdb in CONFLICTS_DATA_DIR"
    )
    source_schema: str = _setting("BI", "the name of a schema", "Schema of the tables in the DuckDB file")
    source_time_zone: str = _setting(
        "America/New_York",
        "an IANA time zone such as America/New_York",
        "The agencies' zone, in which visits are dated",
    )
    visit_status_column: str | None = _setting(
        "Visit Status",
        "the name of a column, or empty",
        "The fact's status column; empty: the view has no such column",
    )
    generated_visits: int = _setting(
        300_000,
        "a whole number from 10000",
        "Visits of the generated source, made when there is no other",
        ge=10_000,
    )
    source_memory: str | None = _setting(
        None,
        "a size such as 512MB or 2GB",
        "Memory that DuckDB may use; unset: 448MB on two cores, 640MB on four or more",
    )

    snowflake_account: str | None = _setting(None, "an account identifier", "Snowflake account")
    snowflake_user: str | None = _setting(None, "a user name", "Snowflake user")
    snowflake_password: SecretStr | None = _setting(None, "a password", "Snowflake password")
    snowflake_private_key: SecretStr | None = _setting(None, "a PEM key in base64", "Snowflake private key, in base64")
    snowflake_private_key_path: Path | None = _setting(
        None, "the path of a PEM file", "Snowflake private key, as a file"
    )
    snowflake_private_key_password: SecretStr | None = _setting(None, "a passphrase", "Passphrase of the private key")
    snowflake_authenticator: str | None = _setting(
        None, "externalbrowser, oauth or snowflake", "How to log in when it is not by password or key"
    )
    snowflake_token: SecretStr | None = _setting(None, "an OAuth token", "Token for the oauth authenticator")
    snowflake_role: str | None = _setting(None, "a role", "Snowflake role")
    snowflake_warehouse: str | None = _setting(None, "a warehouse", "Snowflake warehouse")
    snowflake_database: str = _setting("ANALYTICS", "a database", "Snowflake database")
    snowflake_schema: str = _setting("BI", "a schema", "Snowflake schema")
    snowflake_statement_timeout: int = _setting(
        3600, "seconds, a whole number from 1", "Longest time a statement may run in the warehouse", ge=1
    )

    snowflake_network_timeout: int = _setting(
        600, "seconds, a whole number from 1", "Longest time that the connector tries to reach Snowflake", ge=1
    )
    snowflake_url: str | None = _setting(
        None, "https://host or https://host:port", "Where the account answers, if not at its usual address"
    )

    conflicts_postgres_url: SecretStr | None = _setting(
        None, "postgresql://user:password@host:5432/database", "The store; unset: an embedded PostgreSQL"
    )
    dagster_postgres_url: SecretStr | None = _setting(
        None, "postgresql://user:password@host:5432/database", "Dagster's own storage; unset: the embedded PostgreSQL"
    )
    conflicts_data_dir: Path = _setting(
        Path("data"),
        f"the path of a folder, at most {LONGEST_FOLDER} bytes, in UTF-8, without ? * [ and control characters",
        "Snapshots, the embedded store and the generated source",
    )
    ssn_prefix_length: int = _setting(2, "1, 2 or 3", "Digits of a prefix: 10, 100 or 1,000 partitions", ge=1, le=3)
    max_workers: int = _setting(
        4, "a whole number from 1 to 64", "Steps at once; each holds one connection", ge=1, le=64
    )
    max_workers_all_runs: int = _setting(
        8, "a whole number from 1 to 256", "Prefixes at work at once over all runs; the others wait", ge=1, le=256
    )
    max_runs: int = _setting(4, "a whole number from 1 to 64", "Runs at once; the others wait queued", ge=1, le=64)
    visits_per_step: int = _setting(
        250_000, "a whole number from 1", "Contested visits that make a step worth its start; 1: a step a prefix", ge=1
    )
    store_statement_timeout: int = _setting(
        600, "seconds, a whole number from 1", "Longest time a statement may run in the store", ge=1
    )
    store_lock_timeout: int = _setting(
        120, "seconds, a whole number from 1", "Longest wait for another run of the same prefix", ge=1
    )
    allow_visit_drop: bool = _setting(
        False, "true or false", "Let a run through although the source has far fewer visits than last time"
    )
    snapshots_kept: int = _setting(3, "a whole number from 1", "How many snapshots of whole nights stay", ge=1)
    snapshot_days: int = _setting(14, "days, a whole number from 1", "How long a snapshot may stay", ge=1)
    rejected_visit_days: int = _setting(
        90, "days, a whole number from 1", "How long a rejected visit is listed after the snapshot that saw it", ge=1
    )
    closed_conflict_days: int = _setting(
        2555,
        "days, a whole number from 1",
        "How long a conflict stays, with its visits, after it was resolved or left the window; decided ones stay",
        ge=1,
    )
    history_days: int = _setting(
        2555,
        "days, a whole number from 1",
        "How long an event stays in the history; those of open and decided conflicts stay",
        ge=1,
    )
    prefix_run_days: int = _setting(
        400, "days, a whole number from 31", "How long a prefix's run stays in prefix_runs", ge=31
    )
    dagster_run_days: int = _setting(
        90,
        "days, a whole number from 7",
        "How long a run stays in Dagster, with its events and logs; those that a partition or a check shows stay",
        ge=7,
    )

    schedule_time_zone: str = _setting(
        "America/New_York",
        "an IANA time zone such as America/New_York",
        "The zone of the schedule and of the window",
    )
    night_due: str = _setting(
        "03:30", "a time from 02:01 to 23:59", "When the night, which starts at 02:00, must be done; later it is late"
    )

    dagster_url: str | None = _setting(
        None, "the address of Dagster's UI such as https://dagster.example", "Linked to in alerts"
    )
    report_url: str | None = _setting(
        None,
        "an address such as https://reports.example/conflicts, without user, ? and #",
        "Where a web server of yours shows the folder reports of the data folder; linked to in conflict_summary",
    )
    alert_email_to: str | None = _setting(
        None, "e-mail addresses, separated by commas", "Who gets an e-mail about a failed run or a late night"
    )
    alert_email_from: str | None = _setting(None, "an e-mail address", "Sender of alerts")
    alert_smtp_host: str | None = _setting(None, "the name of a mail server", "Mail server of alerts")
    alert_smtp_port: int | None = _setting(
        None, "a port, 1 to 65535", "Its port; unset: 465 with ssl, 587 with starttls", ge=1, le=65535
    )
    alert_smtp_security: Literal["ssl", "starttls"] = _setting("ssl", "ssl or starttls", "How it is spoken to")
    alert_smtp_user: str | None = _setting(None, "a user name", "Its user; unset: ALERT_EMAIL_FROM")
    alert_smtp_password: SecretStr | None = _setting(None, "a password", "Its password")
    alert_webhook_url: SecretStr | None = _setting(
        None, "an address that begins with https:// or http://", "Gets a JSON about a failed run or a late night"
    )

    cross_midnight: bool = _setting(True, "true or false", "Compare visits on neighbouring dates too")
    extra_distance_factor: float = _setting(1.25, "a number above 0", "Road miles for a mile by air", gt=0)
    back_to_back_counts: bool = _setting(True, "true or false", "No time between two places is a conflict")
    incomplete_actuals: IncompleteActuals = _setting(
        "scheduled", "scheduled or ignore", "What a visit with one actual time is judged by"
    )
    max_visits_per_day: int = _setting(
        50, "a whole number from 1", "More visits of one SSN on a date are no person's", ge=1
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read secrets from files too: `NAME_FILE` beside `NAME`, in the environment or in `.env`."""
        files = SecretFiles(settings_cls, _SECRETS, (env_settings, dotenv_settings))
        return init_settings, files, env_settings, dotenv_settings, file_secret_settings

    @field_validator("source_time_zone", "schedule_time_zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        if zone not in available_timezones():
            raise ValueError("unknown time zone")
        return zone

    @field_validator("conflicts_data_dir")
    @classmethod
    def _usable_path(cls, folder: Path) -> Path:
        try:
            path = (project_folder() / folder.expanduser()).absolute()
        except RuntimeError as error:
            raise ValueError("no such user's home") from error
        lengths = [len(name.encode()) for name in (str(path), *path.parts)]
        if lengths[0] > LONGEST_FOLDER or max(lengths[1:]) > LONGEST_NAME or _UNUSABLE.search(str(path)):
            raise ValueError("not such a path")
        return folder

    @field_validator("night_due")
    @classmethod
    def _after_its_start(cls, due: str) -> str:
        if not (re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", due) and due > NIGHT_STARTS):
            raise ValueError("not such a time")
        return due

    @field_validator("visit_status_column")
    @classmethod
    def _no_status_column(cls, column: str | None) -> str | None:
        return column.strip() or None if column is not None else None

    @model_validator(mode="before")
    @classmethod
    def _empty_is_unset(cls, values: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in values.items() if value != "" or name == "visit_status_column"}

    @field_validator("snowflake_url")
    @classmethod
    def _whole_url(cls, url: str | None) -> str | None:
        if url is not None:
            parts = urlsplit(url)
            if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/") or parts.username:
                raise ValueError("not such a URL")
        return url

    @model_validator(mode="after")
    def _snowflake_can_log_in(self) -> "Settings":
        if self.source_kind == "snowflake":
            if not (self.snowflake_account and self.snowflake_user):
                raise ValueError("SOURCE is snowflake, but SNOWFLAKE_ACCOUNT or SNOWFLAKE_USER is not set; set both")
            self._check_login()
        return self

    def _check_login(self) -> None:
        """Hold the login to one way: a password, a private key, or an authenticator."""
        secrets = ("snowflake_password", "snowflake_private_key", "snowflake_private_key_path")
        given = [name.upper() for name in secrets if getattr(self, name) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} are set; allowed: one of them. Unset the others")
        if not given and self.snowflake_authenticator is None:
            raise ValueError(
                "Snowflake is the source, but nothing logs in to it; set SNOWFLAKE_PASSWORD, SNOWFLAKE_PRIVATE_KEY, "
                "SNOWFLAKE_PRIVATE_KEY_PATH or SNOWFLAKE_AUTHENTICATOR"
            )
        if (self.snowflake_token is not None) != (self.snowflake_authenticator == "oauth"):
            raise ValueError("SNOWFLAKE_TOKEN and SNOWFLAKE_AUTHENTICATOR=oauth go together; set both or neither")

    @model_validator(mode="after")
    def _mail_has_all_it_needs(self) -> "Settings":
        needed = ("alert_email_from", "alert_smtp_host", "alert_smtp_password")
        missing = [name.upper() for name in needed if getattr(self, name) is None]
        if self.alert_email_to and missing:
            raise ValueError(f"ALERT_EMAIL_TO is set, but {' and '.join(missing)} is not; set all of them or none")
        return self

    @field_validator("alert_webhook_url")
    @classmethod
    def _web_address(cls, address: SecretStr | None) -> SecretStr | None:
        if address is not None and not address.get_secret_value().startswith(("https://", "http://")):
            raise ValueError("not a web address")
        return address

    @field_validator("report_url")
    @classmethod
    def _page_address(cls, address: str | None) -> str | None:
        if address is None:
            return None
        parts = urlsplit(address)
        more = parts.username or parts.password or parts.query or parts.fragment or re.search(r"\s", address)
        if parts.scheme not in {"http", "https"} or not parts.hostname or more or parts.port == 0:
            raise ValueError("not such an address")
        return address.rstrip("/")

    @property
    def alert_recipients(self) -> tuple[str, ...]:
        """Who gets alerts by e-mail; nobody unless set."""
        return tuple(each.strip() for each in (self.alert_email_to or "").split(",") if each.strip())

    @property
    def source_kind(self) -> Literal["duckdb", "snowflake"]:
        """Which source is read."""
        return self.source or ("snowflake" if self.snowflake_account else "duckdb")

    def today(self) -> date:
        """The date in the schedule's zone, from which a run's window counts."""
        return datetime.now(tz=ZoneInfo(self.schedule_time_zone)).date()

    @property
    def data_dir(self) -> Path:
        """The data folder, absolute; a relative one counts from the project's folder."""
        return (project_folder() / self.conflicts_data_dir.expanduser()).absolute()

    @property
    def source_path(self) -> Path:
        """The DuckDB file that the embedded source reads."""
        return (project_folder() / self.source_file.expanduser()) if self.source_file else self.generated_path

    @property
    def generated_path(self) -> Path:
        """The one place where a generated source may appear by itself."""
        return self.data_dir / DEFAULT_SOURCE_NAME

    @property
    def may_generate(self) -> bool:
        """Whether invented visits may be made: never where a real source or a real store could meet them."""
        return (
            self.source_kind == "duckdb"
            and self.source_path == self.generated_path
            and self.snowflake_account is None
            and self.conflicts_postgres_url is None
        )


def read_settings(**overrides: Any) -> Settings:
    """Read the environment and `.env` anew; an override wins over both.

    Raises:
        SettingsError: one line for each wrong value.
    """
    try:
        settings = Settings(_env_file=project_folder() / ".env", _env_file_encoding="utf-8", **overrides)
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(each) for each in error.errors())) from None
    except SecretFileError as error:
        raise SettingsError(str(error)) from None
    values = (value for _, value in settings)
    know_secrets(value.get_secret_value() for value in values if isinstance(value, SecretStr))
    return settings


@lru_cache(maxsize=1)
def load_settings() -> Settings:
    """The settings of this process, read once."""
    return read_settings()


def _explain(error: ErrorDetails) -> str:
    if not error["loc"]:
        return str(error["ctx"]["error"]) if "ctx" in error else error["msg"]
    name = str(error["loc"][0])
    field = Settings.model_fields[name]
    extra = field.json_schema_extra
    allowed = extra["allowed"] if isinstance(extra, dict) else "another value"
    found = "a value that can't be used" if name in _SECRETS else repr(error["input"])
    return f"{name.upper()} is {found}; allowed: {allowed}. Change it in the environment or in .env."
