"""Wrong and unusual settings, each with the place where it is written."""

from collections.abc import Mapping
from dataclasses import dataclass, field

PASSWORD = "Hunter-22"  # noqa: S105 - to be looked for in messages
URL = f"postgresql://u:{PASSWORD}@db.example/conflicts"
FOLDER = "{folder}"
"""Stands for the project's folder, which holds `.env`."""

HALF = "SNOWFLAKE_USER=reader\nSNOWFLAKE_ROLE=READS"
LOGIN = f"SNOWFLAKE_ACCOUNT=acme\nSNOWFLAKE_USER=reader\nSNOWFLAKE_PASSWORD={PASSWORD}"
KEY = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG\nAbCd==\n-----END PRIVATE KEY-----"


@dataclass(frozen=True)
class Case:
    """What is written: `.env` as text or as it lies on the disk, variables (`NAME=value` lines), other files."""

    written: str | bytes = ""
    environment: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    is_folder: bool = False
    link: str | None = None

    @property
    def place(self) -> str:
        """Where the odd thing is."""
        if self.files:
            return "file"
        return ".env" if self.written or self.is_folder or self.link else "environment"

    @property
    def shown(self) -> str:
        """What is written there, as a reader sees it."""
        if self.is_folder:
            return "a folder called .env"
        if self.link:
            return f"a link to {self.link}"
        if isinstance(self.written, bytes):
            return repr(self.written)[1:]
        files = [f"{name}: {content}" for name, content in self.files.items()]
        return "\n".join(filter(None, (self.written, self.environment, *files)))

    @property
    def means_real_data(self) -> bool:
        """Whether somebody has tried to name a real source or store."""
        text = str(self.written) + self.environment
        return any(name in text.upper() for name in ("SNOWFLAKE", "CONFLICTS_POSTGRES", "CONFLICT_POSTGRES"))


def _env(*texts: str | bytes) -> list[Case]:
    return [Case(written=text) for text in texts]


def _set(*texts: str) -> list[Case]:
    return [Case(environment=text) for text in texts]


LINES = [
    *_env(
        f'CONFLICTS_POSTGRES_URL="{URL}',
        f"CONFLICTS_POSTGRES_URL='{URL}",
        f'CONFLICTS_POSTGRES_URL="{URL}"x',
        f'CONFLICTS_POSTGRES_URL="{URL}" MAX_WORKERS=4',
        f'CONFLICTS_POSTGRES_URL={URL}"',
        f"CONFLICTS_POSTGRES_URL=“{URL}”",
        f'CONFLICTS_POSTGRES_URL="{URL}\nMAX_WORKERS="4"',
        f'\n\n# the store\nCONFLICTS_POSTGRES_URL="{URL}\nSNOWFLAKE_USER="',
        f'SNOWFLAKE_PRIVATE_KEY="{PASSWORD}\nMAX_WORKERS=4"',
        f"SNOWFLAKE_PRIVATE_KEY={KEY.replace('AbCd', PASSWORD)}",
        f"CONFLICTS_POSTGRES_URL {URL}",
        f"CONFLICTS_POSTGRES_URL: {URL}",
        "CONFLICTS_POSTGRES_URL",
        f"={URL}",
        "export CONFLICTS_POSTGRES_URL",
        f"SET CONFLICTS_POSTGRES_URL={URL}",
        f'$env:CONFLICTS_POSTGRES_URL="{URL}"',
        f"SNOWFLAKE_PASSWORD='{PASSWORD}'s",
        PASSWORD,
        "[settings]",
        "MAX_WORKERS",
        "MAX_WORKERS=2\nMAX_WORKERS=8",
        "MAX_WORKERS=2\nmax_workers=8",
        f"CONFLICTS_POSTGRES_URL={URL}\nCONFLICTS_POSTGRES_URL=",
    ),
]

NAMES_IN_THE_FILE = [
    *_env(
        "MAX_WORKER=8",
        "MAX_WORKER=8\nSNOWFLAKE_ACOUNT=acme",
        f"CONFLICT_POSTGRES_URL={URL}",
        f"CONFLICTS_POSTGRES_URI={URL}",
        f"CONFLICTS_PG_URL={URL}",
        f"DATABASE_URL={URL}",
        "SNOWFLAKE_ACOUNT=acme",
        "SNOWFLAKE_USERNAME=reader",
        "SNOWFLAKE_USER_FILE=/run/secrets/user",
        "MAX_WORKERS_FILE=/run/secrets/workers",
        "DAGSTER_HOME=/srv/dagster",
        "TZ=UTC",
        "REPLACED_POSTGRES_URL=postgresql://h/old",
        f"password={PASSWORD}",
        "MAX-WORKERS=4",
        "MAX_WORKERS\u200b=4",
    ),
]

FILES = [
    *_env(
        "MAX_WORKERS=4".encode("utf-16"),
        "MAX_WORKERS=4\n".encode("utf-16-le"),
        "MAX_WORKERS=4\nSNOWFLAKE_USER=Zoë\n".encode("latin-1"),
        b"MAX_WORKERS=4\n\xff\xfe",
        "\ufeffMAX_WORKERS=4".encode(),
    ),
    Case(is_folder=True),
    Case(link="nowhere"),
    Case(link=".env"),
    Case(environment="CONFLICTS_POSTGRES_URL_FILE={folder}/url", files={}),
    Case(environment="CONFLICTS_POSTGRES_URL_FILE={folder}/url", files={"url": ""}),
    Case(environment="CONFLICTS_POSTGRES_URL_FILE={folder}/url", files={"url": f"mysql://u:{PASSWORD}@h/d"}),
    Case(environment="CONFLICTS_POSTGRES_URL_FILE={folder}/url", files={"url": f"{URL}\n{URL}"}),
    Case(
        environment=f"CONFLICTS_POSTGRES_URL={URL}\nCONFLICTS_POSTGRES_URL_FILE={FOLDER}/url", files={"url": f"{URL}\n"}
    ),
    Case(written="CONFLICTS_POSTGRES_URL_FILE={folder}/url", files={"url": f"{URL}\n"}),
    *_set(f"CONFLICTS_POSTGRES_URL_FILE={URL}", "CONFLICTS_POSTGRES_URL_FILE=", "SNOWFLAKE_PASSWORD_FILE={folder}"),
]

NAMES_IN_THE_ENVIRONMENT = _set(
    "MAX_WORKER=8",
    "MAXWORKERS=8",
    "MAX_WROKERS=8",
    "FULL_NIGHTS_EVERY=7",
    f"CONFLICT_POSTGRES_URL={URL}",
    f"CONFLICTS_POSTGRES_URI={URL}",
    f"CONFLICTS_URL={URL}",
    "CONFLICTS_POSTGRES_URL_FIL=/run/secrets/url",
    "SNOWFLAKE_ACOUNT=acme",
    "SNOWFALKE_ACCOUNT=acme",
    f"SNOWFLAKE_PASWORD={PASSWORD}",
    "SNOWFLAKE_WAREHOSE=SMALL",
    "SNOWFLAKE_USER_FILE=/run/secrets/user",
    "SCHEDULE_TIMEZONE=UTC",
    "SORCE_FILE=visits.duckdb",
    "DAGSTER_POSTGRES_URI=postgresql://h/d",
    "EXTRA_DISTANCE_FACTORS=2",
)

SOURCES = [
    *_set(
        HALF,
        f"SNOWFLAKE_PASSWORD={PASSWORD}",
        f"SNOWFLAKE_TOKEN={PASSWORD}",
        f"SNOWFLAKE_PRIVATE_KEY={PASSWORD}",
        "SNOWFLAKE_WAREHOUSE=SMALL",
        "SNOWFLAKE_DATABASE=ANALYTICS",
        f"SOURCE=duckdb\n{HALF}",
        "SNOWFLAKE_ACCOUNT=acme",
        "SNOWFLAKE_ACCOUNT=acme\nSNOWFLAKE_USER=reader",
        "SOURCE=snowflake",
        "SOURCE=oracle",
        f"SNOWFLAKE_ACCOUNT=https://acme.snowflakecomputing.com\nSNOWFLAKE_USER=reader\nSNOWFLAKE_PASSWORD={PASSWORD}",
        f"{LOGIN}\nSNOWFLAKE_PRIVATE_KEY={PASSWORD}",
        f"{LOGIN}\nSNOWFLAKE_TOKEN={PASSWORD}",
        f"{LOGIN}\nSNOWFLAKE_AUTHENTICATOR=okta",
        f"{LOGIN}\nSNOWFLAKE_PRIVATE_KEY_PASSWORD={PASSWORD}",
        f"{LOGIN}\nSNOWFLAKE_URL=acme.example",
        f"{LOGIN}\nSNOWFLAKE_URL=https://acme.example:99999",
        f"{LOGIN}\nSNOWFLAKE_STATEMENT_TIMEOUT=-1",
        f"{LOGIN}\nSNOWFLAKE_STATEMENT_TIMEOUT=604801",
        f"{LOGIN}\nSOURCE_FILE=visits.duckdb",
        f"{LOGIN}\nSNOWFLAKE_SCHEMA={'B' * 256}",
        "SNOWFLAKE_ACCOUNT=acme\nSNOWFLAKE_USER=reader\nSNOWFLAKE_PRIVATE_KEY_PATH={folder}/key.pem",
        "SNOWFLAKE_ACCOUNT=",
        f"SNOWFLAKE_ACCOUNT=\n{HALF}",
        "SOURCE_FILE={folder}/nowhere.duckdb",
        "SOURCE_FILE=~nobody-of-this-name/visits.duckdb",
        "SOURCE_MEMORY=lots",
        "SOURCE_MEMORY=512",
        "SOURCE_MEMORY=0MB",
        "SOURCE_MEMORY=-1GB",
        "SOURCE_MEMORY=2GiB",
        "SOURCE_TIME_ZONE=EST5",
        "GENERATED_VISITS=10",
    ),
    *_env(HALF, "SNOWFLAKE_ACCOUNT=\nSNOWFLAKE_USER=", f"{LOGIN.replace(PASSWORD, 'pa$' + PASSWORD + '${HOME}')}"),
    Case(
        environment="SNOWFLAKE_ACCOUNT=acme\nSNOWFLAKE_USER=reader\nSNOWFLAKE_PRIVATE_KEY_PATH=key.pem",
        files={"key.pem": KEY},
    ),
]

STORES = _set(
    "CONFLICTS_POSTGRES_URL=",
    "CONFLICTS_POSTGRES_URL=   ",
    f"CONFLICTS_POSTGRES_URL={URL}",
    f"CONFLICTS_POSTGRES_URL={PASSWORD}",
    f"CONFLICTS_POSTGRES_URL=db.example/{PASSWORD}",
    f"CONFLICTS_POSTGRES_URL=mysql://u:{PASSWORD}@h/d",
    f"CONFLICTS_POSTGRES_URL=https://u:{PASSWORD}@h/d",
    f"CONFLICTS_POSTGRES_URL=postgresql+psycopg://u:{PASSWORD}@h/d",
    f"CONFLICTS_POSTGRES_URL=postgresql://u:{PASSWORD}@/d",
    f"CONFLICTS_POSTGRES_URL=postgresql://u:{PASSWORD}@h",
    f"CONFLICTS_POSTGRES_URL=postgresql://u:{PASSWORD}@h/",
    f"CONFLICTS_POSTGRES_URL=postgresql://u:{PASSWORD}@h:99999/d",
    f"CONFLICTS_POSTGRES_URL=postgresql://u:a/{PASSWORD}@h/d",
    f"CONFLICTS_POSTGRES_URL=postgresql://u:{PASSWORD}@h/d?sslmod=require",
    f"CONFLICTS_POSTGRES_URL={URL}\tx",
    f"CONFLICTS_POSTGRES_URL=host=h password={PASSWORD}",
    f"DAGSTER_POSTGRES_URL=sqlite://{PASSWORD}",
    f"DAGSTER_POSTGRES_URL=postgresql://u:{PASSWORD}@h",
    "CONFLICTS_DATA_DIR=~nobody-of-this-name/data",
    "CONFLICTS_DATA_DIR=/srv/nights?/data",
    "CONFLICTS_DATA_DIR=nights\\data",
) + _env(f"DAGSTER_POSTGRES_URL=postgresql://u:${{{PASSWORD}}}@h/d")

RUNS = _set(
    "MAX_WORKERS=eleven",
    "MAX_WORKERS=0",
    "MAX_WORKERS=-4",
    "MAX_WORKERS=65",
    "MAX_WORKERS=4.5",
    "MAX_WORKERS= 4 ",
    "MAX_WORKERS=",
    "MAX_WORKERS=4\nSOURCE=y",
    "MAX_RUNS=1000",
    "SSN_PREFIX_LENGTH=4",
    "VISITS_PER_STEP=0",
    "STORE_LOCK_TIMEOUT=forever",
    "STORE_STATEMENT_TIMEOUT=99999999",
    "ALLOW_VISIT_DROP=perhaps",
    "INCREMENTAL=mostly",
    "FULL_NIGHT_EVERY=0",
    "FULL_NIGHT_EVERY=366",
    "FULL_NIGHT_EVERY=weekly",
    "SNAPSHOTS_KEPT=0",
    "SNAPSHOT_DAYS=99999999999",
    "PREFIX_RUN_DAYS=7",
    "DAGSTER_RUN_DAYS=1",
    "SCHEDULE_TIME_ZONE=Mars/Olympus",
    "NIGHT_DUE=3:30",
    "NIGHT_DUE=01:00",
    "NIGHT_DUE=25:00",
    "VISIT_STATUS_COLUMN=",
    "EXTRA_DISTANCE_FACTOR=nan",
    "EXTRA_DISTANCE_FACTOR=inf",
    "EXTRA_DISTANCE_FACTOR=-1",
    "EXTRA_DISTANCE_FACTOR=1,25",
    "INCOMPLETE_ACTUALS=maybe",
    "MAX_VISITS_PER_DAY=1e9",
    "CROSS_MIDNIGHT=2",
)

MAIL = (
    f"ALERT_EMAIL_TO=a@example.com\nALERT_EMAIL_FROM=b@example.com\nALERT_SMTP_HOST=mail.example.com\n"
    f"ALERT_SMTP_PASSWORD={PASSWORD}"
)
ALERTS = _set(
    "DAGSTER_URL=localhost:3400",
    f"DAGSTER_URL=https://u:{PASSWORD}@dagster.example",
    "DAGSTER_URL=ftp://dagster.example",
    "DAGSTER_URL=https://",
    "DAGSTER_URL=https://dagster.example/?x=1",
    f"REPORT_URL=https://u:{PASSWORD}@reports.example",
    "REPORT_URL=/srv/reports",
    "ALERT_EMAIL_TO=a@example.com",
    f"ALERT_SMTP_PASSWORD={PASSWORD}",
    MAIL.replace("a@example.com", "nobody"),
    MAIL.replace("a@example.com", ","),
    MAIL.replace("a@example.com", "a@example.com b@example.com"),
    MAIL.replace("b@example.com", "the night"),
    MAIL.replace("mail.example.com", "smtp://mail.example.com"),
    MAIL.replace("mail.example.com", "mail.example.com:587"),
    f"{MAIL}\nALERT_SMTP_PORT=0",
    f"{MAIL}\nALERT_SMTP_PORT=70000",
    f"{MAIL}\nALERT_SMTP_SECURITY=none",
    f"ALERT_WEBHOOK_URL=chat.example/{PASSWORD}",
    f"ALERT_WEBHOOK_URL=https:///{PASSWORD}",
    f"ALERT_WEBHOOK_URL=https://chat.example:{PASSWORD}/x",
    f"ALERT_WEBHOOK_URL=https://chat.example/{PASSWORD} x",
)

CASES: Mapping[str, list[Case]] = {
    "Lines of .env": LINES,
    "Names in .env": NAMES_IN_THE_FILE,
    "Names in the environment": NAMES_IN_THE_ENVIRONMENT,
    "Files": FILES,
    "The source": SOURCES,
    "The stores": STORES,
    "Runs and rules": RUNS,
    "Alerts and links": ALERTS,
}
"""Every case, by the heading that it has in the table."""
