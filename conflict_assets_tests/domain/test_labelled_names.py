"""Names that users see: each stands in one place, and the SQL of the source knows the same."""

import re
from importlib.resources import files
from pathlib import Path

import pytest

from conflict_assets.domain.reasons import InactiveReason, Note, RejectReason
from conflict_assets.domain.statuses import Status
from conflict_assets.report.html_report import STATUSES

OF_ROWS = {"contested", "uncontested", "visits", "suspect", "neighbour", "repeated", "yes"}
DIMENSIONS = {"office", "patient", "address", "payer", "contract", "service", "person"}
"""What the statements call rows that are left out by no reason, and the one value of a column."""


def sql_names() -> set[str]:
    folder = Path(str(files("conflict_assets.source") / "sql"))
    texts = [path.read_text(encoding="utf-8") for path in folder.rglob("*.sql")]
    return {name for text in texts for name in re.findall(r"'([a-z_]{3,})'", text)} - OF_ROWS - DIMENSIONS


def test_the_source_names_each_reason_and_no_other():
    assert sql_names() == {*InactiveReason, *RejectReason}


@pytest.mark.parametrize("name", [*InactiveReason, *RejectReason, *Note, *Status])
def test_every_name_has_a_label_for_people(name):
    assert name.label
    assert type(name)(str(name)) is name


@pytest.mark.parametrize("reason", [*InactiveReason, *RejectReason])
def test_every_reason_says_why_a_visit_does_not_count(reason):
    row = {"visit_status": "Pending", "visit_date": "2026-01-05", "provider_id": "P"}
    text = reason.explanation.format_map(row | {"first": "2024-01-05", "last": "2026-02-19", "max_visits_per_day": 50})
    assert text
    assert "{" not in text


def test_the_page_shows_every_status():
    assert set(STATUSES) == set(Status)
