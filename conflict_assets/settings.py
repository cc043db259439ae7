"""The settings, which alone read the environment and `.env`."""

import os
import re
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import (
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from conflict_assets.configuration import setting_values as kinds
from conflict_assets.configuration.env_file import EnvFile, EnvFileError
from conflict_assets.configuration.secret_files import SecretFileError, SecretFiles
from conflict_assets.configuration.setting_names import SettingNames
from conflict_assets.configuration.setting_rules import check_mail, check_source, is_of_real_data, tidied
from conflict_assets.domain.masking import MaskedError, know_secrets
from conflict_assets.domain.policy import IncompleteActuals
from conflict_assets.partitions import MAX_PREFIX_LENGTH, MIN_PREFIX_LENGTH

DEFAULT_SOURCE_NAME = "visits.duckdb"
LONGEST_DAYS = 36_500
LONGEST_SECONDS = 604_800
"""A week, which is the longest time-out that Snowflake accepts."""

MOST_VISITS = 1_000_000_000

LONGEST_FOLDER, LONGEST_FILE_NAME = 700, 255
"""The most bytes of the data folder's path, and of each name in it.

PostgreSQL's programs accept paths of 1,023 bytes.
"""
_UNUSABLE = re.compile(r"[\0-\x1f\x7f-\x9f?*\[]" if os.sep == "\\" else r"[\0-\x1f\x7f-\x9f?*\[\\]")
"""The characters that a path of the data folder may not have.

DuckDB takes ? for the end of a name and a backslash for a slash. Dagster looks up its configuration by a pattern, and
PostgreSQL's configuration ends at a new line.
"""

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
_MAY_BE_EMPTY = "visit_status_column"


class SettingsError(MaskedError):
    """A setting has a wrong value.

    The message names the variable, what was found and what is allowed.
    """


def checkout() -> Path | None:
    """The checkout in which this package lies, if it does."""
    folder = Path(__file__).resolve().parent.parent
    return folder if (folder / "pyproject.toml").is_file() else None


def project_folder() -> Path:
    """Return the folder in which `.env` and `data` are looked up.

    It is the checkout with the package, or else the working folder.
    """
    return checkout() or Path.cwd()


def env_file() -> Path:
    """Return the file in which settings may be written, one a line."""
    return project_folder() / ".env"


def shown_path(path: Path) -> Path:
    """Return a path as people read it.

    A path in the project's folder starts from there.
    """
    folder = project_folder()
    return path.relative_to(folder) if path.is_relative_to(folder) else path


def _setting(default: Any, allowed: str, description: str, **bounds: float) -> Any:
    return Field(default, description=description, json_schema_extra={"allowed": allowed}, **bounds)  # type: ignore[call-overload]


def _whole(default: int, least: int, most: int, description: str, unit: str = "") -> Any:
    return _setting(default, f"{unit}a whole number from {least} to {most}", description, ge=least, le=most)


def _days(default: int, description: str, least: int = 1, most: int = LONGEST_DAYS) -> Any:
    return _whole(default, least, most, description, "days, ")


def _seconds(default: int, description: str) -> Any:
    return _whole(default, 1, LONGEST_SECONDS, description, "seconds, ")


class Settings(BaseSettings):
    """Every setting, its default and what is allowed.

    The variable is the field's name in capitals.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", hide_input_in_errors=True)

    source: Literal["duckdb", "snowflake"] | None = _setting(
        None,
        "duckdb or snowflake",
        "Where visits are read; unset: snowflake when SNOWFLAKE_ACCOUNT is set, else duckdb",
    )
    source_file: kinds.UserPath | None = _setting(
        None, "the path of a DuckDB file", "The embedded source; unset: visits.duckdb in CONFLICTS_DATA_DIR"
    )
    source_schema: kinds.Name = _setting("BI", "the name of a schema", "Schema of the tables in the DuckDB file")
    source_time_zone: kinds.TimeZone = _setting(
        "America/New_York",
        "an IANA time zone such as America/New_York",
        "The agencies' zone, in which visits are dated",
    )
    visit_status_column: str | None = _setting(
        "Visit Status",
        "the name of a column, or empty",
        "The fact's status column; empty: the view has no such column",
    )
    generated_visits: int = _whole(
        300_000, 10000, MOST_VISITS, "Visits of the generated source, made when there is no other"
    )
    source_memory: kinds.MemorySize | None = _setting(
        None,
        "a size such as 512MB, 2GB or 2GiB",
        "Memory that DuckDB may use; unset: 448MB on two cores, 640MB on four or more",
    )

    snowflake_account: kinds.Account | None = _setting(
        None, "an account identifier such as organization-account, and no address", "Snowflake account"
    )
    snowflake_user: kinds.Name | None = _setting(None, "a user name", "Snowflake user")
    snowflake_password: SecretStr | None = _setting(None, "a password", "Snowflake password")
    snowflake_private_key: SecretStr | None = _setting(None, "a PEM key in base64", "Snowflake private key, in base64")
    snowflake_private_key_path: kinds.UserPath | None = _setting(
        None, "the path of a PEM file", "Snowflake private key, as a file"
    )
    snowflake_private_key_password: SecretStr | None = _setting(None, "a passphrase", "Passphrase of the private key")
    snowflake_authenticator: kinds.Authenticator | None = _setting(
        None, "externalbrowser, oauth, snowflake or snowflake_jwt", "How to log in when it is not by password or key"
    )
    snowflake_token: SecretStr | None = _setting(None, "an OAuth token", "Token for the oauth authenticator")
    snowflake_role: kinds.Name | None = _setting(None, "a role", "Snowflake role")
    snowflake_warehouse: kinds.Name | None = _setting(None, "a warehouse", "Snowflake warehouse")
    snowflake_database: kinds.Name = _setting("ANALYTICS", "a database", "Snowflake database")
    snowflake_schema: kinds.Name = _setting("BI", "a schema", "Snowflake schema")
    snowflake_statement_timeout: int = _seconds(3600, "Longest time a statement may run in the warehouse")

    snowflake_network_timeout: int = _seconds(600, "Longest time that the connector tries to reach Snowflake")
    snowflake_url: kinds.SnowflakeAddress | None = _setting(
        None, "https://host or https://host:port", "Where the account answers, if not at its usual address"
    )

    conflicts_postgres_url: kinds.PostgresUrl | None = _setting(
        None, "postgresql://user:password@host:5432/database", "The store; unset: an embedded PostgreSQL"
    )
    dagster_postgres_url: kinds.PostgresUrl | None = _setting(
        None, "postgresql://user:password@host:5432/database", "Dagster's own storage; unset: the embedded PostgreSQL"
    )
    conflicts_data_dir: kinds.UserPath = _setting(
        Path("data"),
        f"the path of a folder, at most {LONGEST_FOLDER} bytes, in UTF-8, without ? * [ and control characters",
        "Snapshots, the embedded store and the generated source",
    )
    ssn_prefix_length: int = _setting(
        2, "1, 2 or 3", "Digits of a prefix: 10, 100 or 1,000 partitions", ge=MIN_PREFIX_LENGTH, le=MAX_PREFIX_LENGTH
    )
    max_workers: int = _whole(4, 1, 64, "Steps at once; each holds one connection")
    max_workers_all_runs: int = _whole(8, 1, 256, "Prefixes at work at once over all runs; the others wait")
    max_runs: int = _whole(4, 1, 64, "Runs at once; the others wait queued")
    visits_per_step: int = _whole(
        250_000, 1, MOST_VISITS, "Contested visits that make a step worth its start; 1: a step a prefix"
    )
    store_statement_timeout: int = _seconds(600, "Longest time a statement may run in the store")
    store_lock_timeout: int = _seconds(120, "Longest wait for another run of the same prefix")
    allow_visit_drop: bool = _setting(
        False, "true or false", "Let a run through although the source has far fewer visits than last time"
    )
    incremental: bool = _setting(
        True,
        "true or false",
        "Read only what changed since the last snapshot where that can be trusted; false: read everything every night",
    )
    full_night_every: int = _days(
        7, "A night reads everything when the last full reading is this many days old or older", most=365
    )
    snapshots_kept: int = _whole(3, 1, 36500, "How many snapshots of whole nights stay")
    snapshot_days: int = _days(14, "How long a snapshot may stay")
    rejected_visit_days: int = _days(90, "How long a rejected visit is listed after its prefix was last read")
    closed_conflict_days: int = _days(
        2555, "How long a conflict stays, with its visits, after it was resolved or left the window; decided ones stay"
    )
    history_days: int = _days(2555, "How long an event stays in the history; those of open and decided conflicts stay")
    prefix_run_days: int = _days(400, "How long a prefix's run stays in prefix_runs", least=31)
    dagster_run_days: int = _days(
        90,
        "How long a run stays in Dagster, with its events and logs; those that a partition or a check shows stay",
        least=7,
    )

    schedule_time_zone: kinds.TimeZone = _setting(
        "America/New_York",
        "an IANA time zone such as America/New_York",
        "The zone of the schedule and of the window",
    )
    night_due: kinds.DueTime = _setting(
        "03:30",
        "a time from 02:01 to 23:59",
        f"When the night, which starts at {kinds.NIGHT_STARTS}, must be done; later it is late",
    )

    dagster_url: kinds.PageAddress | None = _setting(
        None,
        "an address such as https://dagster.example, without user, ? and #",
        "Where people see Dagster's UI; linked to in alerts",
    )
    report_url: kinds.PageAddress | None = _setting(
        None,
        "an address such as https://reports.example/conflicts, without user, ? and #",
        "Where a web server of yours shows the folder reports of the data folder; linked to in conflict_summary",
    )
    alert_email_to: kinds.MailAddresses | None = _setting(
        None, "e-mail addresses, separated by commas", "Who gets an e-mail about a failed run or a late night"
    )
    alert_email_from: kinds.MailAddress | None = _setting(None, "an e-mail address", "Sender of alerts")
    alert_smtp_host: kinds.HostName | None = _setting(None, "a host's name, without a port", "Mail server of alerts")
    alert_smtp_port: int | None = _setting(
        None, "a port, 1 to 65535", "Its port; unset: 465 with ssl, 587 with starttls", ge=1, le=65535
    )
    alert_smtp_security: Literal["ssl", "starttls"] = _setting("ssl", "ssl or starttls", "How it is spoken to")
    alert_smtp_user: kinds.Name | None = _setting(None, "a user name", "Its user; unset: ALERT_EMAIL_FROM")
    alert_smtp_password: SecretStr | None = _setting(None, "a password", "Its password")
    alert_webhook_url: kinds.WebhookAddress | None = _setting(
        None, "an address that begins with https:// or http://", "Gets a JSON about a failed run or a late night"
    )

    cross_midnight: bool = _setting(True, "true or false", "Compare visits on neighbouring dates too")
    extra_distance_factor: float = _setting(
        1.25, "a number above 0, at most 100", "Road miles for a mile by air", gt=0, le=100, allow_inf_nan=False
    )
    back_to_back_counts: bool = _setting(True, "true or false", "No time between two places is a conflict")
    incomplete_actuals: IncompleteActuals = _setting(
        "scheduled", "scheduled or ignore", "What a visit with one actual time is judged by"
    )
    max_visits_per_day: int = _whole(50, 1, 10000, "More visits of one SSN on a date are no person's")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - leaves out lines that it can't read
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the environment, `.env` strictly, and secrets from files.

        The variable `NAME_FILE` beside `NAME` names the file of a secret.
        """
        names = SettingNames.of(settings_cls.model_fields, _SECRETS)
        written = EnvFile(settings_cls, env_file(), names)
        assert isinstance(env_settings, EnvSettingsSource)  # noqa: S101 - for the type checker
        env_settings.env_vars = written.own_environment(env_settings.env_vars)
        misspelled = names.misspelled(env_settings.env_vars)
        if misspelled:
            raise SettingsError("\n".join(misspelled))
        files = SecretFiles(settings_cls, _SECRETS, (env_settings, written), folder=project_folder())
        return init_settings, files, env_settings, written, file_secret_settings

    _real_data: tuple[str, ...] = PrivateAttr(default=())

    @model_validator(mode="wrap")
    @classmethod
    def _empty_is_unset(cls, values: Mapping[str, Any], handler: ModelWrapValidatorHandler[Self]) -> Self:
        """Take an empty setting as unset.

        The settings remember which variables of real data were named.
        """
        given = {name: tidied(name, value, is_secret=name in _SECRETS) for name, value in values.items()}
        settings = handler({name: value for name, value in given.items() if value != "" or name == _MAY_BE_EMPTY})
        named = tuple(name.upper() for name, value in given.items() if is_of_real_data(name, value))
        settings._real_data = named  # noqa: SLF001 - its own class's
        return settings

    @field_validator("conflicts_data_dir")
    @classmethod
    def _usable_path(cls, folder: Path) -> Path:
        path = (project_folder() / folder).absolute()
        fault = _fault_of(path)
        if fault is not None:
            whole = "it" if folder.is_absolute() else f"its whole path, {str(path)!r},"
            raise ValueError(f"{whole} {fault}")
        return folder

    @field_validator(_MAY_BE_EMPTY)
    @classmethod
    def _no_status_column(cls, column: str | None) -> str | None:
        return column.strip() or None if column is not None else None

    @model_validator(mode="after")
    def _settings_go_together(self) -> Self:
        check_source(self)
        check_mail(self)
        return self

    @property
    def alert_recipients(self) -> tuple[str, ...]:
        """The recipients of alerts by e-mail, which are none unless set."""
        return tuple(each.strip() for each in (self.alert_email_to or "").split(",") if each.strip())

    @property
    def source_kind(self) -> Literal["duckdb", "snowflake"]:
        """The kind of source that is read."""
        return self.source or ("snowflake" if self.snowflake_account else "duckdb")

    def today(self) -> date:
        """Return the date in the schedule's zone.

        A run's window counts from it.
        """
        return datetime.now(tz=ZoneInfo(self.schedule_time_zone)).date()

    @property
    def data_dir(self) -> Path:
        """The absolute path of the data folder.

        A relative setting counts from the project's folder.
        """
        return (project_folder() / self.conflicts_data_dir).absolute()

    @property
    def source_path(self) -> Path:
        """The DuckDB file that the embedded source reads."""
        return (project_folder() / self.source_file) if self.source_file else self.generated_path

    @property
    def snowflake_key_file(self) -> Path | None:
        """The file of Snowflake's private key.

        A relative path counts from the project's folder.
        """
        path = self.snowflake_private_key_path
        return project_folder() / path if path is not None else None

    @property
    def generated_path(self) -> Path:
        """The one place where a generated source may appear by itself."""
        return self.data_dir / DEFAULT_SOURCE_NAME

    @property
    def real_data(self) -> tuple[str, ...]:
        """The variables that were named and mean a real source or store.

        They count even where they were left empty.
        """
        return self._real_data

    @property
    def may_generate(self) -> bool:
        """Whether invented visits may be made.

        They never may where a real source or a real store could meet them.
        """
        return self.source_kind == "duckdb" and self.source_path == self.generated_path and not self.real_data


def read_settings(**overrides: Any) -> Settings:
    """Read the environment and `.env` anew.

    An override takes precedence over both.

    Raises:
        SettingsError: one line for each wrong value.
    """
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(each) for each in error.errors())) from None
    except (EnvFileError, SecretFileError) as error:
        raise SettingsError(str(error)) from None
    values = (value for _, value in settings)
    know_secrets(value.get_secret_value() for value in values if isinstance(value, SecretStr))
    return settings


def _fault_of(path: Path) -> str | None:
    """What of a data folder's path DuckDB, Dagster or PostgreSQL can't use."""
    try:
        lengths = [len(name.encode()) for name in (str(path), *path.parts)]
    except UnicodeEncodeError:
        return "is not in UTF-8"
    if lengths[0] > LONGEST_FOLDER:
        return f"has {lengths[0]:,} bytes"
    if max(lengths[1:]) > LONGEST_FILE_NAME:
        return f"has a name of {max(lengths[1:]):,} bytes in it; {LONGEST_FILE_NAME} are the most"
    found = _UNUSABLE.search(str(path))
    if found is None:
        return None
    return f"holds {found[0] if found[0].isprintable() else 'the control character ' + repr(found[0])}"


@lru_cache(maxsize=1)
def load_settings() -> Settings:
    """Return the settings of this process, read once."""
    return read_settings()


def _explain(error: ErrorDetails) -> str:
    cause = error.get("ctx", {}).get("error", "")
    if not error["loc"]:
        return str(cause or error["msg"])
    name = str(error["loc"][0])
    extra = Settings.model_fields[name].json_schema_extra
    allowed = extra["allowed"] if isinstance(extra, dict) else "another value"
    # An address may hold a login, even where none is allowed.
    hidden = name in _SECRETS or (name.endswith("_url") and "@" in str(error["input"]))
    found = "a value that can't be used" if hidden else repr(error["input"])
    reason = f" ({cause})" if str(cause) else ""
    return f"{name.upper()} is {found}{reason}; allowed: {allowed}. Change it in the environment or in .env."
