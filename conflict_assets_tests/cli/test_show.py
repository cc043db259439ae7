"""`conflict-assets show`: one conflict with all that hang together with it, as bars and as a picture."""

from datetime import UTC, datetime
from re import fullmatch

import pytest
from matplotlib.dates import num2date
from matplotlib.image import imread

from conflict_assets.report.timeline import PALETTE, Bar, timeline_figure
from conflict_assets.store.conflict_store import ConflictStore
from conflict_assets_tests.cli.test_store import given, refused, told
from conflict_assets_tests.store.nights import SSN, Pair, night
from conflict_assets_tests.store.test_roles import login

__all__ = ["given"]

GROUP = "0" * 31 + "1"
WORKED = {
    "visit_start_time": datetime(2026, 1, 5, 14, tzinfo=UTC),
    "visit_end_time": datetime(2026, 1, 5, 18, tzinfo=UTC),
    "provider_name": "Good Care",
    "p_last_name": "Patient",
}
SCHEDULED = {
    "sch_start_time": datetime(2026, 1, 5, 17, tzinfo=UTC),
    "sch_end_time": datetime(2026, 1, 5, 20, tzinfo=UTC),
}
PAIR = Pair("a", "b", group=GROUP, visit=WORKED)


@pytest.fixture
def store(store_url, given):
    given(CONFLICTS_POSTGRES_URL=store_url, COLUMNS="150")
    with ConflictStore(url=store_url, prefix_length=2) as store:
        store.administration.set_up_roles()
        other = Pair("c", "a", group=GROUP, agency="R", con_agency="P", visit=SCHEDULED)
        store.conflicts.replace_prefix(night([other, PAIR, Pair("x", "y")]))
    return store_url


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("name", ["a,b", PAIR.pair_id, GROUP, "c,a"])
def test_a_pair_or_a_group_shows_all_that_hang_together(name):
    output = told("show", name)
    assert output.splitlines()[0] == f"2 conflicts of caregiver ***-**-0001, 2026-01-05 (group {GROUP})"
    assert "a and b: rule 5 visit_time_over_another_visit_time, 60 minutes in common; new (pair " in output
    assert "x and y" not in output
    assert SSN not in output
    assert "Patient" not in output


@pytest.mark.usefixtures("store")
def test_bars_lie_in_local_time_one_behind_the_other():
    lines = {line.split()[-6]: line for line in told("show", GROUP).splitlines() if "█" in line or "░" in line}
    worked, scheduled = lines["a"], lines["c"]
    assert worked.startswith("Good Care")
    assert "2026-01-05 09:00  2026-01-05 13:00" in worked
    assert worked.index("█") < scheduled.index("░") < worked.rindex("█") < scheduled.rindex("░")


def test_a_conflict_that_holds_no_more_is_shown_alone(store):
    with ConflictStore(url=store, prefix_length=2) as writing:
        writing.conflicts.replace_prefix(night([Pair("x", "y")], number=2))
    output = told("show", "a,b")
    assert output.startswith("1 conflict of caregiver ***-**-0001")
    assert "; resolved (pair " in output


def test_the_decision_that_holds_and_the_earlier_ones_stand_under_their_conflict(store, given):
    for words in (
        ("--ignore", "--reason", "too short"),
        ("--clear", "--reason", "no"),
        ("--whitelist", "--reason", "ok"),
    ):
        told("decide", "a,b", *words, "--by", f" {words[0][2:]} of Ann ")
    given(CONFLICTS_POSTGRES_URL=login(store, "conflicts_reader"), COLUMNS="150")
    lines = told("show", "a,b").splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("a and b"))
    made = [
        fullmatch(r"    (.*) \d{4}-\d\d-\d\d \d\d:\d\d(?::\d\d)? ?\w*: (.*)", line) for line in lines[at + 1 : at + 4]
    ]
    assert [match and match.groups() for match in made] == [
        ("whitelisted by whitelist of Ann", "ok"),
        ("cleared by clear of Ann", "no"),
        ("earlier: ignored by ignore of Ann", "too short"),
    ]
    assert not any(" by " in line for line in lines[at + 4 :])


def test_a_pair_under_two_ssns_is_shown_under_both_while_both_hold(store):
    other = Pair("a", "b", ssn="050000002", group="0" * 31 + "2", visit=WORKED)
    with ConflictStore(url=store, prefix_length=2) as writing:
        writing.conflicts.replace_prefix(night([other], prefix="05"))
        output = told("show", "a,b")
        assert output.startswith("3 conflicts of caregiver ***-**-0001 and ***-**-0002")
        assert output.count("a and b: rule 5") == 2
        writing.conflicts.replace_prefix(night([], number=2))
    output = told("show", "a,b")
    assert output.startswith("1 conflict of caregiver ***-**-0002")


def test_a_reader_may_look_too(store, given):
    given(CONFLICTS_POSTGRES_URL=login(store, "conflicts_reader"))
    assert told("show", "a,b").startswith("2 conflicts")


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("ending", [".png", ".SVG"])
def test_a_picture_is_drawn_for_the_owner_only(tmp_path, ending):
    path = tmp_path / f"a{ending}"
    assert told("show", "a,b", "--out", path).splitlines()[-1] == f"{path}: the picture"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    if ending == ".png":
        assert imread(path).std() > 0.05
    else:
        text = path.read_text(encoding="utf-8")
        assert text.startswith("<?xml")
        assert SSN not in text


def test_a_figure_has_a_row_an_agency_a_colour_each_and_the_local_zone():
    start, end = WORKED["visit_start_time"], WORKED["visit_end_time"]
    bars = [Bar("a", "P", start, end, True), Bar("b", "Q", end, end.replace(hour=20), False)]
    axes = timeline_figure(bars, title="t", time_zone="America/New_York").axes[0]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["P", "Q"]
    assert axes.get_xlabel() == "time of day (America/New_York)"
    first, second = axes.patches
    assert [round(255 * part) for part in first.get_facecolor()[:3]] == list(bytes.fromhex(PALETTE[0][1:]))
    assert first.get_facecolor() != second.get_facecolor()
    assert (first.get_hatch(), second.get_hatch()) == (None, "//")
    assert num2date(first.get_x()) == start
    axes.figure.canvas.draw()
    assert "09:00" in [label.get_text() for label in axes.get_xticklabels()]


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a,x"], "a,x is neither a pair nor a group of the store"),
        (["f" * 32], "is neither a pair nor a group of the store"),
        (["a"], "'a' is neither a pair_id (32 hex digits) nor two visit ids"),
        (["a,b", "--out", "{}/a.gif"], "ends in '.gif'; allowed: .png, .svg"),
        (["a,b", "--out", "{}/old.png"], "exists; name another file, or replace it with --overwrite"),
    ],
)
def test_what_can_t_be_shown_is_refused(tmp_path, arguments, message):
    (tmp_path / "old.png").touch()
    assert message in refused("show", *(argument.format(tmp_path) for argument in arguments))
    assert [file.name for file in tmp_path.iterdir()] == ["old.png"]
