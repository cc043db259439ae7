"""Every wrong setting is answered as docs/settings-errors.md says, and none leads to generated visits by mistake."""

import subprocess
import sys

import pytest

from conflict_assets_tests.configuration.settings_cases import CASES, PASSWORD, URL, Case
from conflict_assets_tests.configuration.settings_errors import PAGE, Answer, answer_to, page, variables, write_env
from conflict_assets_tests.dagster_stack import ROOT, bare_environment

ALL = [case for cases in CASES.values() for case in cases]
IN_A_FOLDER = """
import sys
from pathlib import Path
from conflict_assets.cli import app as cli
from conflict_assets import settings
folder = Path(sys.argv.pop(1))
settings.project_folder = lambda: folder
cli.main()
"""


@pytest.fixture(scope="module")
def answers() -> list[tuple[Case, Answer]]:
    return [(case, answer_to(case)) for case in ALL]


def test_there_are_more_than_a_hundred_cases():
    assert len(ALL) > 100


def test_the_page_says_what_is_answered_today():
    assert PAGE.read_text(encoding="utf-8") == page(), "write it anew: make generated"


def test_no_answer_holds_a_secret(answers):
    assert [case.shown for case, answer in answers if "hunter" in answer.text.lower()] == []


def test_whoever_has_tried_to_name_something_real_gets_no_generated_visits(answers):
    assert [case.shown for case, answer in answers if case.means_real_data and answer.generates] == []


def test_what_is_refused_says_what_is_allowed_or_what_to_do(answers):
    words = ("allowed: ", "did you mean", "set ", "Set ", "keep one", "Name a file", "Write ")
    refused = [answer.text for _, answer in answers if answer.code]
    assert [text for text in refused if not any(word in text for word in words)] == []


@pytest.mark.parametrize(
    "case",
    [
        Case(written=f'CONFLICTS_POSTGRES_URL="{URL}'),
        Case(written=f"CONFLICT_POSTGRES_URL={URL}"),
        Case(environment=f"CONFLICTS_POSTGRES_URI={URL}"),
        Case(environment=f"SNOWFLAKE_USER=reader\nSNOWFLAKE_PASSWORD={PASSWORD}"),
        Case(is_folder=True),
    ],
    ids=["unclosed quote", "name in .env", "name in the environment", "half a Snowflake", "folder"],
)
def test_the_command_ends_with_two_and_leaves_nothing(tmp_path, case):
    write_env(case, tmp_path)
    ended = subprocess.run(
        [sys.executable, "-c", IN_A_FOLDER, tmp_path, "run"],
        cwd=ROOT,
        env=bare_environment() | {"DAGSTER_HOME": str(tmp_path / "home")} | variables(case, tmp_path),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    said = ended.stdout + ended.stderr
    assert ended.returncode == 2, said
    assert "Error: " in ended.stderr
    assert "Traceback" not in said
    assert "Hunter" not in said
    assert list(tmp_path.rglob("*.duckdb")) == list(tmp_path.rglob("PG_VERSION")) == []


ORDINARY = (
    "PATH HOME USER SHELL LANG LC_ALL TERM COLUMNS LINES PWD OLDPWD TMPDIR TMP TEMP TZ EDITOR PAGER DISPLAY "
    "HOSTNAME LOGNAME MAIL SHLVL XDG_RUNTIME_DIR SSH_AUTH_SOCK SSL_CERT_FILE SSL_CERT_DIR HTTP_PROXY HTTPS_PROXY "
    "NO_PROXY PYTHONPATH PYTHONUNBUFFERED PYTHONHASHSEED VIRTUAL_ENV UV_CACHE_DIR PIP_INDEX_URL "
    "PYTEST_CURRENT_TEST PYTEST_XDIST_WORKER PYTEST_DEBUG_TEMPROOT HYPOTHESIS_PROFILE SCREENSHOTS "
    "REPLACED_POSTGRES_URL SOURCE_DATE_EPOCH SOURCE_DIR SOURCE_PATH SOURCE_BRANCH SOURCE_COMMIT SOURCE_URL "
    "SOURCE_ROOT SOURCES RESOURCE RESOURCE_FILE SOURCE_IMAGE DATA_SOURCE OUTPUT_FILE MAX_JOBS MAX_WORKER_MEMORY "
    "NUM_WORKERS MIN_WORKERS WORKERS MAX_RUNTIME MAX_RETRIES MAX_THREADS OMP_NUM_THREADS MAKEFLAGS MAKELEVEL CC "
    "CFLAGS LDFLAGS JAVA_HOME GOPATH CARGO_HOME NODE_ENV NPM_CONFIG_CACHE DEBUG LOG_LEVEL PORT HOST DATABASE_URL "
    "REDIS_URL REPO_URL REPORT_PATH EXPORT_URL IMPORT_URL BASE_URL SENTRY_DSN SECRET_KEY CI GITHUB_ACTIONS "
    "GITHUB_TOKEN GITHUB_SHA GITHUB_REF GITHUB_RUN_ID GITHUB_SERVER_URL GITLAB_CI CI_JOB_ID CI_PIPELINE_SOURCE "
    "CI_COMMIT_SHA BUILD_NUMBER BUILD_URL JENKINS_URL JOB_URL RUN_DISPLAY_URL TRAVIS CIRCLECI AWS_REGION "
    "AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_PROFILE AZURE_CLIENT_ID GOOGLE_APPLICATION_CREDENTIALS "
    "KUBERNETES_SERVICE_HOST KUBERNETES_PORT CREDENTIALS_DIRECTORY INVOCATION_ID JOURNAL_STREAM NOTIFY_SOCKET "
    "PGHOST PGPORT PGUSER PGPASSWORD PGDATABASE PGSERVICE PGSERVICEFILE PGPASSFILE PGSSLMODE PGOPTIONS PGDATA "
    "POSTGRES_USER POSTGRES_PASSWORD POSTGRES_DB POSTGRES_HOST POSTGRES_URL POSTGRES_PASSWORD_FILE DAGSTER_HOME "
    "DAGSTER_POSTGRES_USER DAGSTER_POSTGRES_PASSWORD DAGSTER_POSTGRES_DB DAGSTER_POSTGRES_HOST "
    "DAGSTER_POSTGRES_HOSTNAME DAGSTER_POSTGRES_PORT DAGSTER_CURRENT_IMAGE DAGSTER_RUN_JOB_NAME DAGSTER_RUN_ID "
    "DAGSTER_IS_DEV_CLI DAGSTER_GRPC_TIMEOUT_SECONDS DAGSTER_GRPC_PORT DAGSTER_GRPC_HOST DAGSTER_GRPC_SOCKET "
    "DAGSTER_CLI_API_GRPC_PORT DAGSTER_DISABLE_TELEMETRY DAGSTER_CLOUD_URL DAGSTER_CLOUD_API_TOKEN "
    "DAGSTER_UI_HOST DAGSTER_DEPLOYMENT DAGSTER_TICK_INTERVAL DAGSTER_PROJECT_ENV_FILE_PATHS "
    "DAGSTER_SENSOR_GRPC_TIMEOUT_SECONDS FRESHNESS_DAEMON_INTERVAL_SECONDS CODE_SERVER_HOST CODE_SERVER_PORT "
    "CODE_MEMORY SNOWFLAKE_HOME SNOWFLAKE_HOST SNOWFLAKE_PORT SNOWFLAKE_REGION SNOWFLAKE_PROTOCOL "
    "SNOWFLAKE_ACCOUNT_NAME SNOWFLAKE_ORGANIZATION_NAME SNOWFLAKE_DEFAULT_CONNECTION_NAME SNOWFLAKE_CONNECTIONS "
    "SNOWFLAKE_PASSCODE SNOWFLAKE_TOKEN_FILE_PATH SNOWFLAKE_PRIVATE_KEY_PASSPHRASE SNOWFLAKE_PRIVATE_KEY_RAW "
    "SNOWFLAKE_USERNAME SNOWFLAKE_PROFILE SNOWFLAKE_VALIDATE_DEFAULT_PARAMETERS SNOWFLAKE_CONNECTIONS_DEV_USER "
    "SNOWSQL_USER SNOWSQL_ACCOUNT SCHEDULE SCHEDULE_NAME TIME_ZONE ALERT_EMAIL SMTP_HOST SMTP_PORT SMTP_PASSWORD "
    "ALERT_WEBHOOK WEBHOOK_URL SNAPSHOT_DIR HISTORY_SIZE HISTFILE HISTSIZE DISTANCE_FACTOR "
    "CARGO_INCREMENTAL "
)


def test_variables_of_other_programs_are_let_be():
    names = ORDINARY.split()
    assert len(names) > 150
    assert answer_to(Case(environment="\n".join(f"{name}=/x" for name in names))).text.startswith("read: generated")


def test_this_environment_is_let_be():
    kept = "\n".join(f"{name}=x" for name in bare_environment() if name.isidentifier() and name not in {"PATH", "HOME"})
    assert answer_to(Case(environment=kept)).code == 0
