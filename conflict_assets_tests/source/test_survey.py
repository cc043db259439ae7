"""The survey: what it counts of a prefix, and how the rows that travel correct its counts."""

import pyarrow as pa
import pytest

from conflict_assets.domain.reasons import Note
from conflict_assets.source.protocol import ROW_SCHEMA
from conflict_assets.source.survey import GOOD, Survey, SurveyedCounts
from conflict_assets_tests.source.classification_bench import Bench
from conflict_assets_tests.source.classification_cases import AGENCIES, EXCLUDED, visit
from conflict_assets_tests.source.classification_twin import FACT
from conflict_assets_tests.source.test_classification import FAULTS
from conflict_assets_tests.source.warehouse import all_of


@pytest.fixture(scope="module")
def survey():
    """One visit of each fault, two good ones on a quiet day, one of an excluded caregiver, one without an SSN."""
    bench = Bench()
    changes = [*(change for _, change in FAULTS), {}, {}, {"Caregiver Id": "shy"}, {"Caregiver Id": "nobody"}]
    facts = [visit({"Visit Id": f"v{number}", "Caregiver Id": "C", **each}) for number, each in enumerate(changes)]
    caregivers = [{"Caregiver Id": "C", "SSN": "041234567"}, {"Caregiver Id": "shy", "SSN": "041234568"}]
    bench.fill({FACT: facts, "DIMCAREGIVER": caregivers, "DIMPROVIDER": list(AGENCIES)})
    return bench.reader().survey(all_of(excluded_agencies=EXCLUDED, excluded_ssns=("041-23-4568",)))


def test_every_visit_is_seen_and_counted_by_its_own_outcome(survey):
    assert survey.visits["04"] == dict.fromkeys([reason for reason, _ in FAULTS], 1) | {GOOD: 2, "excluded_ssn": 1}
    assert survey.visits[None] == {"missing_ssn": 1}
    assert survey.seen("04") == len(FAULTS) + 3
    assert (survey.seen(None), survey.seen("17")) == (1, 0)


def test_usable_visits_are_good_ones_and_those_that_users_leave_out(survey):
    assert survey.usable("04") == 2 + 2
    assert (survey.usable(None), survey.usable("17")) == (0, 0)


def test_a_quiet_caregiver_needs_no_look(survey):
    assert survey.pointers.num_rows == 0
    assert survey.suspects.to_pylist() == []


def rows(*outcomes, notes=()):
    """A batch of rows, each told as prefix, SSN, outcome and what the survey has counted it by."""
    names = ("ssn_prefix", "ssn", "outcome", "surveyed_as")
    columns = {name: [each[number] for each in outcomes] for number, name in enumerate(names)}
    columns |= {str(note): [note in notes if each[2] == "contested" else None for each in outcomes] for note in Note}
    empty = [None] * len(outcomes)
    return pa.record_batch(
        [pa.array(columns.get(each.name, empty), each.type) for each in ROW_SCHEMA], schema=ROW_SCHEMA
    )


def counted(survey, *batches):
    tally = SurveyedCounts(survey)
    assert list(tally.watch(batches)) == list(batches)
    return {prefix: {name: count for name, count in each.items() if count} for prefix, each in tally.counts().items()}


def test_rows_move_visits_from_what_they_were_surveyed_as():
    survey = Survey(visits={"04": {GOOD: 9, "missed": 2}, None: {"invalid_ssn": 3}})

    counts = counted(
        survey,
        rows(
            (None, None, "duplicate_visit_id", "invalid_ssn"),
            (None, None, "invalid_ssn", "invalid_ssn"),
            ("04", "041234567", "contested", None),
            ("04", "041234568", "contested", None),
        ),
        rows(
            ("04", "041234567", "contested", None),
            ("04", None, "implausible_density", None),
            ("04", None, "duplicate_visit_id", None),
            ("04", None, "duplicate_visit_id", "missed"),
            ("04", None, "missed", "missed"),
        ),
    )

    assert counts == {
        "04": {
            "visits_seen": 11,
            "active": 7,
            "contested": 3,
            "missed": 1,
            "duplicate_visit_id": 2,
            "implausible_density": 1,
            "contested_caregivers": 2,
        },
        None: {"visits_seen": 3, "invalid_ssn": 2, "duplicate_visit_id": 1},
    }


@pytest.mark.parametrize("note", list(Note))
def test_notes_of_contested_rows_are_added_up(note):
    survey = Survey(visits={"04": {GOOD: 3}})
    noted = rows(("04", "041234567", "contested", None), ("04", None, "missed", "missed"), notes=(note,))
    silent = rows(("04", "041234567", "contested", None))

    counts = counted(survey, noted, silent, noted)["04"]

    assert {name: counts.get(name, 0) for name in map(str, Note)} == {**dict.fromkeys(map(str, Note), 0), str(note): 2}
