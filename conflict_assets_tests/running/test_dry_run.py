"""A dry run tells what the next run does, and leaves the platform as it is."""

import csv
import json
import re
from datetime import timedelta

import duckdb
import pytest
from dagster import DagsterInstance

from conflict_assets.assets.source_reading import Reading
from conflict_assets.domain.conflict_counts import ConflictCounts
from conflict_assets.output.dry_run_text import SAMPLE_COLUMNS
from conflict_assets.running import dry_run as dry_run_module
from conflict_assets.running.dry_run import DryRunOptions, SampleError, dry_run
from conflict_assets.running.run_follower import Watcher
from conflict_assets.settings import read_settings
from conflict_assets.source.guard import HalfLoadedSource
from conflict_assets.store.embedded.embedded_server import stop_embedded
from conflict_assets_tests.running.test_night import VISITS, CommandNight

PREFIXES = tuple("0123456789")
TABLES = (
    "visit_conflicts",
    "conflict_visits",
    "conflict_history",
    "conflict_decisions",
    "prefix_runs",
    "rejected_visits",
    "excluded_agencies",
    "excluded_ssns",
    "speed_bands",
)


class Platform(CommandNight):
    """A night's platform in which dry runs are made in this process."""

    def __init__(self, folder):
        super().__init__(folder)
        self.said = []

    def dry_run(self, **changes):
        own = {name: changes.pop(name) for name in ("prefixes", "full", "sample", "sample_rows") if name in changes}
        settings = read_settings(
            conflicts_data_dir=self.folder / "data", ssn_prefix_length=1, generated_visits=VISITS, **changes
        )
        self.said = []
        watcher = Watcher(say=lambda _level, text: self.said.append(text), finished=lambda _prefix: None)
        return dry_run(settings, DryRunOptions(**{"prefixes": PREFIXES} | own), watcher)

    def run(self, **settings):
        done = self.command("run", **settings)
        assert "Success rate: 10/10 prefixes" in done.stdout, done.stdout + done.stderr

    def latest(self):
        found = self.rows(
            "select ssn_prefix, conflicts, new_conflicts, changed, resolved, reopened from prefix_runs where latest"
        )
        return {prefix: ConflictCounts(*counts).by_name for prefix, *counts in found}

    def everything(self):
        """Each row with the transaction that has written it and its place, the files, and Dagster's runs and events."""
        rows = {
            table: self.rows(f"select xmin::text, ctid::text, t::text from {table} as t order by ctid")  # noqa: S608 - our own names
            for table in TABLES
        }
        data = self.folder / "data"
        files = sorted(str(path) for part in ("snapshots", "spill") for path in (data / part).rglob("*"))
        with DagsterInstance.from_config(self.environment["DAGSTER_HOME"]) as instance:
            return rows, files, instance.get_runs_count(), instance.event_log_storage.get_maximum_record_id()


@pytest.fixture(scope="module")
def platform(tmp_path_factory, lay_cluster):
    platform = Platform(tmp_path_factory.mktemp("dry"))
    lay_cluster(platform.folder / "data" / "postgres")
    platform.run()
    yield platform
    stop_embedded(platform.folder / "data" / "postgres")


def total(outcome):
    return sum(outcome.found.values(), ConflictCounts())


def sample(outcome):
    with outcome.sample.open(newline="") as text:
        return list(csv.DictReader(text))


def test_nothing_would_differ_in_a_store_that_is_up_to_date(platform):
    outcome = platform.dry_run()
    assert set(outcome.found) == set(PREFIXES)
    assert not any(each.differs for each in outcome.found.values())
    assert {prefix: each.conflicts for prefix, each in outcome.found.items()} == {
        prefix: each["conflicts"] for prefix, each in platform.latest().items()
    }
    assert sample(outcome) == []
    assert "Nothing would differ in 10 prefixes: 0-9" in platform.said
    assert platform.said[-1] == "Dry run: nothing was written to the store"


def test_a_dry_run_leaves_no_row_no_file_and_no_run(platform):
    before = platform.everything()
    assert total(platform.dry_run(extra_distance_factor=1.6)).changed
    assert platform.everything() == before


def test_an_excluded_caregiver_and_other_speeds_are_told_too(platform):
    everyone = total(platform.dry_run())
    platform.write("insert into excluded_ssns select ssn from visit_conflicts where ssn_prefix = '4' limit 1")
    platform.write("update speed_bands set miles_per_hour = miles_per_hour / 2")
    try:
        outcome = platform.dry_run()
    finally:
        platform.write("delete from excluded_ssns; update speed_bands set miles_per_hour = miles_per_hour * 2")
    assert not everyone.differs
    assert outcome.found["4"].resolved
    assert total(outcome).new


def test_only_the_prefixes_that_are_named_are_looked_at(platform):
    outcome = platform.dry_run(prefixes=("4", "7"), extra_distance_factor=1.6)
    assert set(outcome.found) == {"4", "7"}
    assert any(line.startswith("prefix 4: ") for line in platform.said)


def test_the_sample_is_small_the_owner_s_alone_and_names_nobody(platform):
    outcome = platform.dry_run(extra_distance_factor=1.6, sample_rows=2)
    assert outcome.sample.parent == platform.folder / "data" / "dry_runs"
    assert (outcome.sample.stat().st_mode & 0o777, outcome.sample.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    rows = sample(outcome)
    assert tuple(rows[0]) == SAMPLE_COLUMNS
    assert [row["kind"] for row in rows] == ["new"] * 2 + ["changed"] * 2 + ["resolved"] * 2
    assert all(re.fullmatch(r"\*\*\*-\*\*-\d{4}", row["ssn"]) for row in rows)
    with duckdb.connect(str(platform.folder / "data" / "visits.duckdb"), read_only=True) as source:
        ssns = {
            re.sub("[- ]", "", row[0])
            for row in source.execute('select "SSN" from BI.DIMCAREGIVER').fetchall()
            if row[0]
        }
        names = {
            name
            for view, kind in (("DIMPATIENT", "Patient"), ("DIMCAREGIVER", "Caregiver"))
            for row in source.execute(f'select "{kind} Firstname", "{kind} Lastname" from BI.{view}').fetchall()  # noqa: S608 - our own names
            for name in row
            if name
        }
    text = outcome.sample.read_text() + "".join(platform.said)
    assert not set(re.findall(r"(?<!\d)\d{9}(?!\d)", text.replace("-", ""))) & ssns
    assert not names & set(re.findall(r"[A-Za-z]+", text))


def test_the_sample_is_the_same_each_time_whatever_the_prefixes(platform):
    first, second = (platform.dry_run(extra_distance_factor=1.6, sample_rows=5) for _ in range(2))
    assert first.sample != second.sample
    assert first.sample.read_text() == second.sample.read_text()
    pairs = [row["pair_id"] for row in sample(first) if row["kind"] == "changed"]
    assert pairs == sorted(pairs)


def test_old_samples_go_and_the_newest_stay(platform, monkeypatch):
    monkeypatch.setattr(dry_run_module, "SAMPLES_KEPT", 2)
    outcomes = [platform.dry_run(prefixes=("4",)) for _ in range(3)]
    assert sorted(outcomes[-1].sample.parent.iterdir()) == [outcome.sample for outcome in outcomes[-2:]]


def test_a_sample_that_cannot_be_written_is_a_clear_error(platform, tmp_path):
    with pytest.raises(SampleError, match="can't be written: No such file or directory"):
        platform.dry_run(prefixes=("4",), sample=tmp_path / "nowhere" / "sample.csv")


def test_a_sample_replaces_an_older_one_with_the_owner_s_rights(platform, tmp_path):
    file = tmp_path / "sample.csv"
    file.write_text("old")
    file.chmod(0o644)
    platform.dry_run(prefixes=("4",), sample=file)
    assert file.read_text().startswith("kind,pair_id,ssn,")
    assert file.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_a_half_loaded_source_is_told_and_leaves_nothing(platform):
    counts = platform.rows("select ssn_prefix, counts::text from prefix_runs where latest")
    platform.write("update prefix_runs set counts = counts || '{\"visits_seen\": 1000000}' where latest")
    try:
        before = platform.everything()
        with pytest.raises(HalfLoadedSource):
            platform.dry_run()
        assert platform.everything() == before
        assert not total(platform.dry_run(allow_visit_drop=True)).differs
    finally:
        for prefix, counted in counts:
            assert json.loads(counted)
            platform.write(f"update prefix_runs set counts = '{counted}' where latest and ssn_prefix = '{prefix}'")  # noqa: S608 - our own values


@pytest.mark.parametrize("full", [True, False])
def test_a_dry_run_reads_everything_when_it_is_asked_to(platform, monkeypatch, full):
    asked = []

    def noted(**given):
        asked.append(Reading(**given))
        return asked[-1]

    monkeypatch.setattr(dry_run_module, "Reading", noted)
    platform.dry_run(prefixes=("4",), full=full)
    assert [reading.full for reading in asked] == [full]


def test_a_prefix_that_cannot_be_told_is_named_and_the_others_are_told(platform, monkeypatch):
    whole = dry_run_module.commit_of

    def refuse_four(snapshot, prefix, batch):
        if prefix == "4":
            raise ValueError("041234567 is a stranger")
        return whole(snapshot, prefix, batch)

    monkeypatch.setattr(dry_run_module, "commit_of", refuse_four)
    outcome = platform.dry_run()
    assert outcome.failed == ("4",)
    assert set(outcome.found) == set(PREFIXES) - {"4"}
    assert platform.said[-1] == "Nothing can be told of prefixes 4"
    assert "041234567" not in "".join(platform.said)


def test_a_dry_run_goes_by_the_moment_and_not_by_a_newer_snapshot(platform):
    platform.write(f"update prefix_runs set as_of = as_of + '{timedelta(days=1)}' where latest and ssn_prefix = '4'")  # noqa: S608 - our own values
    try:
        assert platform.dry_run().failed == ("4",)
    finally:
        platform.write("update prefix_runs set as_of = as_of - interval '1 day' where latest and ssn_prefix = '4'")


def test_the_command_line_tells_counts_and_where_the_sample_is(platform, tmp_path):
    file = tmp_path / "sample.csv"
    done = platform.command(
        "run", "--dry-run", "--prefix", "4", "--sample", str(file), "--sample-rows", "1", EXTRA_DISTANCE_FACTOR="1.6"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^prefix 4: \d+ conflicts \(\d+ new, \d+ changed, \d+ resolved, 0 reopened\)$", done.stdout, re.M)
    assert re.search(r"^A run would find \d+ conflicts in 1 prefixes: .* \d+ unchanged$", done.stdout, re.M)
    assert done.stdout.endswith(f"Dry run: nothing was written to the store\nSample: {file}\n")
    assert len(file.read_text().splitlines()) <= 1 + 4


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--sample", "sample.csv"], "--sample goes with --dry-run"),
        (["--dry-run", "--sample", "/nowhere/sample.csv"], "there is no folder /nowhere"),
        (["--dry-run", "--prefix", "77"], "allowed: 1 digit"),
    ],
    ids=["sample without dry run", "sample in no folder", "unknown prefix"],
)
def test_bad_options_of_a_dry_run_are_refused(platform, arguments, said):
    refused = platform.command("run", *arguments)
    assert refused.returncode == 2, refused.stdout + refused.stderr
    assert said in re.sub(r"[\s│]+", " ", refused.stderr)


def test_a_store_that_is_not_made_yet_is_not_made_by_a_dry_run(platform, tmp_path):
    try:
        refused = platform.command(
            "run",
            "--dry-run",
            CONFLICTS_DATA_DIR=str(tmp_path),
            SOURCE_FILE=str(platform.folder / "data/visits.duckdb"),
        )
        assert refused.returncode == 2, refused.stdout + refused.stderr
        assert "conflict-assets store migrate" in refused.stderr
    finally:
        stop_embedded(tmp_path / "postgres")


# From here on, runs change the store.


def test_another_distance_factor_is_told_as_the_run_that_follows_does_it(platform):
    told = platform.dry_run(extra_distance_factor=1.6)
    platform.run(EXTRA_DISTANCE_FACTOR="1.6")
    assert platform.latest() == {prefix: each.by_name for prefix, each in told.found.items()}
    assert total(told).new
    assert total(told).changed
    assert total(told).resolved


def test_an_excluded_agency_is_told_as_the_run_that_follows_does_it(platform):
    agency = platform.rows("select provider_id from open_conflicts group by 1 order by count(*) desc limit 1")[0][0]
    platform.write(f"insert into excluded_agencies values ('{agency}')")  # noqa: S608 - our own value
    told = platform.dry_run(extra_distance_factor=1.6, sample_rows=1000)
    platform.run(EXTRA_DISTANCE_FACTOR="1.6")
    assert platform.latest() == {prefix: each.by_name for prefix, each in told.found.items()}
    rows = sample(told)
    assert len(rows) == total(told).resolved > 0
    assert {(row["kind"], row["reason"], row["rule_after"]) for row in rows} == {("resolved", "excluded", "")}
    assert all(agency in {row["provider_id"], row["con_provider_id"]} for row in rows)


def test_what_an_exclusion_has_resolved_would_be_reopened_without_it(platform):
    resolved = platform.rows("select sum(resolved) from prefix_runs where latest")[0][0]
    platform.write("delete from excluded_agencies")
    assert total(platform.dry_run(extra_distance_factor=1.6)).reopened == resolved
