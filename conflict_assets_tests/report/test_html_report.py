"""The report's page: its figures, that it stands alone, and what those who can't see it are told."""

import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from conflict_assets.report import html_report
from conflict_assets_tests.report.report_samples import (
    STARTED,
    empty_report_data,
    last_night,
    ordinary_report_data,
    page_html,
    report_data_of_one_conflict,
)

SAMPLES = {
    "empty": empty_report_data,
    "one": report_data_of_one_conflict,
    "ordinary": ordinary_report_data,
    "thousand": lambda: ordinary_report_data(3),
}


class Page(HTMLParser):
    """Elements in order with their attributes, and the text without style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self._styled = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self._styled = tag == "style"

    def handle_endtag(self, tag):
        self._styled &= tag != "style"

    def handle_data(self, data):
        if not self._styled:
            self.words += data.split()

    @property
    def text(self) -> str:
        return " ".join(self.words)

    def of(self, *tags: str) -> list[tuple[str, dict[str, str | None]]]:
        return [each for each in self.elements if each[0] in tags]


@pytest.fixture(scope="module", params=SAMPLES)
def page(request):
    return Page(page_html(SAMPLES[request.param]()))


@pytest.fixture(scope="module")
def ordinary():
    return Page(page_html(ordinary_report_data()))


def test_the_page_needs_nothing_from_anywhere(page):
    assert not page.of("script", "link", "iframe", "object", "embed", "img", "form")
    for _, attributes in page.elements:
        for name in ("src", "href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith(("#", "data:image/png;base64,"))
    policies = [each["content"] for _, each in page.of("meta") if each.get("http-equiv") == "Content-Security-Policy"]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; img-src data:"]


def test_every_id_is_there_once_and_every_reference_is_to_one(page):
    ids = Counter(attributes["id"] for _, attributes in page.elements if "id" in attributes)
    assert [name for name, times in ids.items() if times > 1] == []
    for _, attributes in page.elements:
        label = attributes.get("aria-labelledby")
        assert label is None or label in ids
        for link in (attributes.get("href"), attributes.get("xlink:href")):
            assert link is None or not link.startswith("#") or link[1:] in ids


def test_headings_go_down_one_level_at_a_time_and_tables_have_captions_and_scopes(page):
    levels = [int(tag[1]) for tag, _ in page.of("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert len(page.of("table")) == len(page.of("caption"))
    assert {attributes.get("scope") for _, attributes in page.of("th")} <= {"col", "row"}


def test_each_chart_is_there_wide_and_narrow_and_told_in_words(page):
    charts = [attributes for _, attributes in page.of("svg")]
    assert [each["class"] for each in charts] == ["wide", "narrow"] * 4
    assert all(each["role"] == "img" and len(str(each["aria-label"])) > 20 for each in charts)
    assert all("width" not in each and "viewbox" in each for each in charts)


def test_charts_take_their_colours_from_the_page(ordinary):
    styles = " ".join(str(attributes.get("style")) for _, attributes in ordinary.elements)
    assert {"var(--ink)", "var(--blue)", "var(--green)", "var(--orange)"} <= set(re.findall(r"var\(--\w+\)", styles))
    assert not re.search(r"#010203|#0072b2|#009e73|#e69f00|#000000", styles)


@pytest.mark.parametrize(
    "told",
    [
        "Visit conflicts, night of 5 Jan 2026",
        "5 Jan 2026, 06:00 EST",
        "Open conflicts 1,234 New 12",
        "Resolved 6",
        "Visits in conflict 2,345 Caregivers 97 Agencies 24",
        "Recovery: billed 1,000 $80,000 $30,000",
        "Avoidance: not billed yet 1,345 $90,000 $999.50",
        "Both 2,345 $170,001 $31,000",
        "7 of these visits have no known rate",
        "4 Scheduled times overlap sch_over_another_sch_time 300 24.3 %",
        "Whitelisted by a person 3",
        "Night Open after it New Reopened Resolved 5 Jan 2026 1,229 16 2 1 4 Jan 2026",
        "New 12 first found on the date of the latest run",
        "New: first found on the date of the latest run 12",
        "40: 34",
        "Care & <Comfort> 77 150 $12,346 $7.50",
        "Care & <Comfort> and Q 55 9 $8,000",
        "New conflicts: 12, of which these are the costliest",
        "Scheduled, worked overlap, 60 minutes in common fedcba9876543210fedcba9876543210",
        "Care & <Comfort> 5 Jan 2026, 09:00 to 11:00 EST worked, visit 1004532",
        "Q 5 Jan 2026, 10:00 to 6 Jan 2026, 01:00 EST scheduled, visit 1004533 $1,234",
        "The costliest open conflicts, new ones among them",
        "No time for the trip, 0 minutes needed, 0 given fedcba9876543210fedcba9876543210",
        "visit 1004533 unknown",
        "Resolved on this night, no longer found: 6, of which these are the costliest",
        "Reopened on this night, found again: 1 Conflict",
        "5 Jan 2026, without times, visit 1004532",
        "Medicaid & <Co> 70 140 $11,111 $6.50",
        "0123456789abcdef0123456789abcdef ***-**-1234 11 8 3 5 Jan 2026 to 6 Jan 2026 10 h 05 min $400.00",
        "No start and end, neither scheduled nor worked no_times 68",
        "SSN without nine digits invalid_ssn 118",
        "All 186",
        "Deleted deleted 354",
        "Prefixes done 98 of 100 in 1 run",
        "4 min 05 s 5 Jan 2026, 02:00 EST",
        "2 of 100 prefixes were not brought up to date",
        "03 4 Jan 2026, 02:00 EST 04 never read",
        "23 30 0.7 s 0.1 s",
    ],
)
def test_the_page_tells(ordinary, told):
    assert told in ordinary.text


def test_a_night_that_brought_all_up_to_date_says_so():
    text = Page(page_html(replace(ordinary_report_data(), last_night=last_night(prefixes=100)))).text
    assert "Every prefix was brought up to date; none failed." in text
    assert "were not brought up to date" not in text


def test_a_store_before_its_first_night_says_that_there_is_nothing_yet():
    text = Page(page_html(empty_report_data())).text
    for told in ("No night has run yet", "No agency has an open conflict", "No two open conflicts hang together"):
        assert told in text
    for told in ("New conflicts: 0.", "No conflict is open.", "No payer has an open conflict."):
        assert told in text


def test_conflicts_without_times_are_said_to_be_missing_from_the_hours():
    assert "Without times" not in Page(page_html(report_data_of_one_conflict())).text
    assert (
        "Without times, and not shown: 1." in Page(page_html(replace(report_data_of_one_conflict(), by_hour={}))).text
    )


def test_a_page_of_a_thousand_prefixes_stays_small():
    assert len(page_html(ordinary_report_data(3))) < 600_000


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.04, "0.0 s"),
        (59.9, "59.9 s"),
        (59.96, "1 min 00 s"),
        (60, "1 min 00 s"),
        (3599.6, "1 h 00 min"),
        (7380, "2 h 03 min"),
    ],
)
def test_seconds_are_told_for_people(seconds, told):
    assert html_report.seconds_text(seconds) == told
    assert html_report.span_text(timedelta(seconds=seconds)) == told


def test_numbers_are_told_for_people():
    assert [html_report.money_text(dollars) for dollars in (0, 999.994, 999.996, 1234.5)] == [
        "$0.00",
        "$999.99",
        "$1,000",
        "$1,234",
    ]
    assert [html_report.hours_text(minutes) for minutes in (0, 59.4, 59.6, 60_000)] == [
        "0 min",
        "59 min",
        "1 h 00 min",
        "1,000 h 00 min",
    ]
    assert html_report.share_text(0, 0) == "-"
    assert html_report.moment_text(STARTED, ZoneInfo("UTC")) == "5 Jan 2026, 07:00 UTC"
    assert html_report.day_text(datetime(2026, 11, 24, tzinfo=UTC).date()) == "24 Nov 2026"
