"""Drawings that are kept: what is drawn again, and what is not."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from conflict_assets.report import charts as drawn_charts
from conflict_assets.report import drawings as module
from conflict_assets.report import pictures as drawn_pictures
from conflict_assets.report.drawings import KEPT_DRAWINGS, KeptDrawings, drawings
from conflict_assets_tests.report.report_samples import ordinary_report_data

ALL = {"chart of rules", "chart of prefixes", "chart of hours", "chart of trend"} | {
    "picture of rules",
    "picture of prefixes",
    "picture of trend",
}
FIGURES = ordinary_report_data()
NIGHT = FIGURES.nights[-1]


@pytest.fixture
def drawn(monkeypatch) -> set[str]:
    """What has been drawn, by its name."""
    names: set[str] = set()

    def noting(kind, name, draw):
        def noted(*figures):
            names.add(f"{kind} of {name}")
            return draw(*figures)

        return noted

    for kind, made_by in (("chart", drawn_charts), ("picture", drawn_pictures)):
        monkeypatch.setattr(made_by, "DRAWN", {name: noting(kind, name, draw) for name, draw in made_by.DRAWN.items()})
    return names


def report(folder, figures=FIGURES):
    kept = KeptDrawings(folder)
    made = drawings(figures, kept)
    kept.save()
    return made


def test_a_report_of_the_same_figures_draws_nothing_and_shows_the_same(tmp_path, drawn):
    first = report(tmp_path)
    assert drawn == ALL
    drawn.clear()
    assert report(tmp_path) == first
    assert drawn == set()


@pytest.mark.parametrize(
    ("changes", "changed"),
    [
        ({"by_rule": FIGURES.by_rule | {"distance": 51}}, {"chart of rules", "picture of rules"}),
        ({"by_prefix": FIGURES.by_prefix | {"04": 77}}, {"chart of prefixes", "picture of prefixes"}),
        ({"by_hour": dict(FIGURES.by_hour) | {(7, 23): 9}}, {"chart of hours"}),
        ({"agency_time_zone": "America/Chicago"}, {"chart of hours"}),
        (
            {"nights": (*FIGURES.nights, replace(NIGHT, night=NIGHT.night + timedelta(days=1)))},
            {"chart of trend", "picture of trend"},
        ),
        ({"open_conflicts": FIGURES.open_conflicts + 1}, {"chart of rules", "chart of prefixes", "chart of hours"}),
    ],
    ids=["rule", "prefix", "hour", "zone", "night", "count in words"],
)
def test_what_shows_another_figure_is_drawn_again_and_nothing_else(changes, changed, tmp_path, drawn):
    report(tmp_path)
    drawn.clear()
    other = replace(FIGURES, **changes)
    made = report(tmp_path, other)
    assert drawn == changed
    assert made == report(tmp_path / "nothing is kept here", other)


def test_what_other_code_or_another_library_drew_is_drawn_again(tmp_path, drawn, monkeypatch):
    report(tmp_path)
    for name, other in (("version", lambda _name: "another"), ("_sources", lambda: [tmp_path / KEPT_DRAWINGS])):
        drawn.clear()
        with monkeypatch.context() as patched:
            patched.setattr(module, name, other)
            drawings(FIGURES, KeptDrawings(tmp_path))
        assert drawn == ALL


def test_only_the_last_report_s_drawings_are_kept_and_for_their_owner_alone(tmp_path):
    report(tmp_path, replace(FIGURES, open_conflicts=1))
    report(tmp_path)
    file = tmp_path / KEPT_DRAWINGS
    assert len(json.loads(file.read_text())) == len(ALL)
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("damaged", [b"", b"{", b"[]", b"\xff\xfe", b"null"])
def test_drawings_that_can_not_be_read_are_made_again(damaged, tmp_path, drawn):
    first = report(tmp_path)
    (tmp_path / KEPT_DRAWINGS).write_bytes(damaged)
    drawn.clear()
    assert report(tmp_path) == first
    assert drawn == ALL


def test_a_report_is_made_where_its_drawings_can_not_be_kept(tmp_path):
    assert report(tmp_path / "no such folder").charts
