"""Mornings for tests of the report: an ordinary one, one with a single conflict, one before the first night."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from conflict_assets.domain.listed_conflicts import ListedConflict, ListedVisit
from conflict_assets.domain.report_data import (
    AgencyFigures,
    AgencyPairFigures,
    ChainedGroup,
    LastNight,
    NightPoint,
    PayerFigures,
    PrefixTime,
    ReportData,
    Stake,
)
from conflict_assets.partitions import all_prefixes
from conflict_assets.report.captions import RULE_NAMES
from conflict_assets.report.drawings import KeptDrawings, charts
from conflict_assets.report.html_report import report_html

NIGHT = date(2026, 1, 5)
STARTED = datetime(2026, 1, 5, 7, tzinfo=UTC)


def empty_report_data(prefix_length: int = 2) -> ReportData:
    return ReportData(
        made_at=STARTED + timedelta(hours=4),
        time_zone="America/New_York",
        agency_time_zone="America/New_York",
        open_conflicts=0,
        visits=0,
        caregivers=0,
        agencies=0,
        by_status={},
        by_rule=dict.fromkeys(RULE_NAMES, 0),
        by_prefix=dict.fromkeys(all_prefixes(prefix_length), 0),
        by_hour={},
        recovery=Stake(),
        avoidance=Stake(),
        nights=(),
        top_agencies=(),
        top_pairs=(),
        top_payers=(),
        costliest_new=(),
        costliest_open=(),
        last_resolved=(),
        last_reopened=(),
        largest_groups=(),
        source_counts={},
        without_prefix={},
        last_night=None,
    )


def ordinary_report_data(prefix_length: int = 2) -> ReportData:
    """A month of nights, 1,234 open conflicts and more of everything."""
    prefixes = all_prefixes(prefix_length)
    return replace(
        empty_report_data(prefix_length),
        open_conflicts=1234,
        visits=2345,
        caregivers=97,
        agencies=24,
        by_status={"open": 1222, "new": 12, "whitelisted": 3, "resolved": 40},
        by_rule=dict(zip(RULE_NAMES, (200, 150, 84, 300, 250, 200, 50), strict=True)),
        by_prefix={prefix: int(prefix) * 7 % 41 for prefix in prefixes},
        by_hour={(day, hour): day + hour // 2 for day in range(1, 8) for hour in range(6, 20)} | {(7, 22): 254},
        recovery=Stake(visits=1000, unpriced=4, shift_amount=80_000.4, overlap_amount=30_000.0),
        avoidance=Stake(visits=1345, unpriced=3, shift_amount=90_000.2, overlap_amount=999.5),
        nights=tuple(
            NightPoint(
                night=NIGHT - timedelta(days=29 - day),
                open_conflicts=1200 + day,
                new=12 + day % 5,
                reopened=day % 3,
                resolved=day % 7,
            )
            for day in range(30)
        ),
        top_agencies=(
            AgencyFigures(
                provider_id="P",
                name="Care & <Comfort>",
                conflicts=77,
                visits=150,
                shift_amount=12_345.6,
                overlap_amount=7.5,
            ),
        ),
        top_pairs=(
            AgencyPairFigures(
                provider_ids=("P", "Q"),
                names=("Care & <Comfort>", "Q"),
                conflicts=55,
                caregivers=9,
                overlap_amount=8000.0,
            ),
        ),
        top_payers=(
            PayerFigures(
                payer_id="M",
                name="Medicaid & <Co>",
                conflicts=70,
                visits=140,
                shift_amount=11_111.0,
                overlap_amount=6.5,
            ),
        ),
        costliest_new=(listed(),),
        costliest_open=(listed(), listed(status="open", amount=None, rule=7)),
        last_resolved=(listed(status="resolved", amount=12.5),),
        last_reopened=(listed(status="open", visits=(visit(start=None), visit())),),
        largest_groups=(
            ChainedGroup(
                group_id="0123456789abcdef0123456789abcdef",
                masked_ssn="***-**-1234",
                conflicts=11,
                visits=8,
                agencies=3,
                first_date=NIGHT,
                last_date=NIGHT + timedelta(days=1),
                overlap_minutes=605.0,
                overlap_amount=400.0,
            ),
        ),
        source_counts={
            "visits_seen": 60_000,
            "active": 54_000,
            "contested": 2_600,
            "no_times": 68,
            "deleted": 354,
            "odd_times": 26,
        },
        without_prefix={"invalid_ssn": 118},
        last_night=last_night(left_behind={prefixes[3]: STARTED - timedelta(days=1), prefixes[4]: None}),
    )


def visit(**changes: object) -> ListedVisit:
    """A worked visit of New York's report_data."""
    values = {
        "visit_id": "1004532",
        "visit_date": NIGHT,
        "provider_id": "P",
        "provider_name": "Care & <Comfort>",
        "payer_id": "M",
        "payer_name": "Medicaid & <Co>",
        "is_actual": True,
        "start": STARTED + timedelta(hours=7),
        "end": STARTED + timedelta(hours=9),
        "shift_amount": 1000.0,
        "overlap_amount": 500.0,
    }
    return ListedVisit(**(values | changes))


def listed(**changes: object) -> ListedConflict:
    """A conflict of a worked visit with one that is planned into the next day."""
    other = visit(
        visit_id="1004533",
        provider_id="Q",
        provider_name=None,
        is_actual=False,
        start=STARTED + timedelta(hours=8),
        end=STARTED + timedelta(hours=23),
        overlap_amount=734.5,
    )
    values = {
        "pair_id": "fedcba9876543210fedcba9876543210",
        "group_id": "0123456789abcdef0123456789abcdef",
        "ssn": "***-**-1234",
        "status": "new",
        "rule": 6,
        "overlap_minutes": 60.0,
        "distance_miles": None,
        "eta_travel_minutes": None,
        "minutes_between": 0.0,
        "first_detected_at": STARTED,
        "last_detected_at": STARTED,
        "resolved_at": None,
        "resolved_reason": None,
        "decision": None,
        "decision_reason": None,
        "decided_by": None,
        "decided_at": None,
        "decision_outdated": False,
        "amount": 1234.5,
        "visits": (visit(), other),
    }
    return ListedConflict(**(values | changes))


def last_night(**changes: object) -> LastNight:
    values = {
        "night": NIGHT,
        "started_at": STARTED,
        "committed_at": STARTED + timedelta(minutes=4, seconds=5),
        "runs": 1,
        "prefixes": 98,
        "new": 12,
        "changed": 5,
        "resolved": 6,
        "reopened": 1,
        "detect_seconds": 33.34,
        "write_seconds": 61.0,
        "slowest": (PrefixTime(prefix="23", conflicts=30, detect_seconds=0.7, write_seconds=0.1),),
        "left_behind": {},
    }
    return LastNight(**(values | changes))


def report_data_of_one_conflict() -> ReportData:
    """The first night, which has found a single conflict."""
    empty = empty_report_data()
    agencies = (
        AgencyFigures(provider_id=one, name=one, conflicts=1, visits=1, shift_amount=90.0, overlap_amount=30.0)
        for one in ("P", "Q")
    )
    return replace(
        empty,
        open_conflicts=1,
        visits=2,
        caregivers=1,
        agencies=2,
        by_status={"new": 1},
        by_rule=empty.by_rule | {"distance": 1},
        by_prefix=empty.by_prefix | {"04": 1},
        by_hour={(1, 9): 1},
        avoidance=Stake(visits=2, shift_amount=180.0, overlap_amount=60.0),
        nights=(NightPoint(night=NIGHT, open_conflicts=1, new=1, reopened=0, resolved=0),),
        top_agencies=tuple(agencies),
        top_pairs=(
            AgencyPairFigures(
                provider_ids=("P", "Q"), names=("P", "Q"), conflicts=1, caregivers=1, overlap_amount=60.0
            ),
        ),
        source_counts={"visits_seen": 1000, "active": 900, "contested": 2},
        last_night=last_night(prefixes=100, new=1, changed=0, resolved=0, reopened=0),
    )


def page_html(report_data: ReportData) -> str:
    """The page of a report whose charts were not drawn before."""
    return report_html(report_data, charts(report_data, KeptDrawings(Path("no such folder"))))
