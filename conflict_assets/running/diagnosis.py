"""The diagnosis of `conflict-assets doctor`: each part that a night needs."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from conflict_assets.automation.channel_trials import try_mail_server, try_webhook
from conflict_assets.automation.channels import AlertError, mail_port
from conflict_assets.running.folders import check_folders, check_room
from conflict_assets.settings import Settings, SettingsError, env_file
from conflict_assets.source.protocol import SourceError
from conflict_assets.source.source_factory import visit_source
from conflict_assets.store.errors import StoreError
from conflict_assets.store.store_factory import conflict_store
from conflict_assets.store.workers import described


@dataclass(frozen=True)
class Finding:
    """The state of one part of the platform.

    It is healthy or not, and the text says why or what to do.
    """

    part: str
    healthy: bool
    text: str


def diagnose(settings: Settings) -> Iterator[Finding]:
    """Check every part in turn.

    A part that fails does not hide the others.
    """
    yield Finding("settings", True, _settings(settings))
    yield _examine("folders", lambda: _folders(settings))
    yield _examine("source", lambda: _source(settings))
    yield _examine("store", lambda: _store(settings))
    yield _examine("lists", lambda: _lists(settings))
    yield _examine("workers", lambda: _workers(settings))
    yield _examine("dagster", lambda: _dagster(settings))
    yield Finding("alerts", True, _alerts(settings))
    if settings.alert_recipients:
        yield _examine("mail server", lambda: _mail_server(settings))
    if settings.alert_webhook_url is not None:
        yield _examine("webhook", lambda: _webhook(settings))


def _examine(part: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(part, True, look())
    except (SettingsError, SourceError, StoreError, AlertError) as error:
        return Finding(part, False, str(error))


def _settings(settings: Settings) -> str:
    """Describe where settings are read, and which are set.

    Only their names are shown, since a value may be a secret.
    """
    file = env_file()
    place = f"{file} and the environment" if file.exists() else f"no file {file}, the environment"
    names = ", ".join(sorted(name.upper() for name in settings.model_fields_set)) or "nothing"
    return f"{settings.max_workers} workers, prefixes of {settings.ssn_prefix_length} digits; {place} set {names}"


def _folders(settings: Settings) -> str:
    check_folders(settings)
    return f"files are written to {settings.data_dir}, {check_room(settings) / 2**30:,.1f} GiB free"


def _source(settings: Settings) -> str:
    if settings.may_generate and not settings.generated_path.exists():
        return "no source yet; the first run generates one"
    source = visit_source(settings)
    with source.open(run_id="doctor") as reader:
        reader.check_contract()
    return f"{source.description}: every view and column is there"


def _store(settings: Settings) -> str:
    with conflict_store(settings) as store:
        store.administration.prepare()
        store.administration.require_right_to_write()
        free = store.administration.free_connections()
    if free.count < settings.max_workers:
        raise StoreError(
            f"{free.count} connections are free, MAX_WORKERS is {settings.max_workers}; lower MAX_WORKERS "
            f"or raise {free.limited_by}"
        )
    return f"reachable, schema up to date, may be written to, {free.count} connections free"


def _lists(settings: Settings) -> str:
    """Check that the lists that people maintain can be used.

    They say who is excluded and how fast one travels.
    """
    with conflict_store(settings) as store:
        excluded, bands = store.administration.exclusions(), store.administration.speed_bands()
    return (
        f"{len(excluded.agencies)} excluded agencies, {len(excluded.ssns)} excluded caregivers, "
        f"{len(bands)} speed bands without gap or overlap"
    )


def _alerts(settings: Settings) -> str:
    """Describe who is alerted of a failed run or a late night."""
    channels = []
    if settings.alert_recipients:
        server = f"{settings.alert_smtp_host}:{mail_port(settings)}"
        channels.append(f"e-mail to {len(settings.alert_recipients)} addresses by {server}")
    if settings.alert_webhook_url is not None:
        channels.append("a webhook")
    return " and ".join(channels) or "nobody is told of a failed run: ALERT_EMAIL_TO and ALERT_WEBHOOK_URL are not set"


def _mail_server(settings: Settings) -> str:
    try_mail_server(settings)
    return "reachable by TLS, takes the login; no mail was sent"


def _webhook(settings: Settings) -> str:
    try_webhook(settings)
    return "its host is reachable; nothing was posted"


def _workers(settings: Settings) -> str:
    """Describe which workers hold the places of MAX_WORKERS_ALL_RUNS."""
    with conflict_store(settings) as store:
        workers = store.runs.at_work()
    most = settings.max_workers_all_runs
    return f"{len(workers)} of {most} at work: {described(workers)}" if workers else f"none of {most} at work"


def _dagster(settings: Settings) -> str:
    """Check that Dagster's storage answers, and list its runs in progress."""
    # Imported here: Dagster takes two seconds to load, and the earlier parts are reported without it.
    from conflict_assets.running.instance import dagster_instance
    from conflict_assets.running.runs_in_progress import runs_in_progress

    with dagster_instance(settings) as instance:
        runs = runs_in_progress(instance)
    return f"storage reachable, {len(runs)} runs in progress{': ' if runs else ''}{'; '.join(runs)}"
