"""The report as one HTML page that needs nothing else.

It has no script, no font and no network.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from conflict_assets.domain.reasons import InactiveReason, Note, RejectReason
from conflict_assets.domain.report_data import ReportData
from conflict_assets.domain.statuses import Status
from conflict_assets.output.conflict_text import amount_text, rule_text, when_text
from conflict_assets.output.log_lines import prefix_ranges
from conflict_assets.output.wording import (
    count_text,
    day_text,
    hours_text,
    moment_text,
    money_text,
    seconds_text,
    share_text,
    span_text,
)
from conflict_assets.report.captions import RULE_NAMES, WEEKDAYS
from conflict_assets.report.drawings import Chart

STATUSES = (Status.NEW, Status.OPEN, Status.WHITELISTED, Status.IGNORED, Status.RESOLVED, Status.EXPIRED)
"""The statuses in the order of the page.

What people decided stands beside what is open.
"""


def report_html(report_data: ReportData, charts: Mapping[str, Chart]) -> str:
    """Return the whole page, with its charts by their names.

    SSNs are masked, and there is nothing about patients.
    """
    zone = ZoneInfo(report_data.time_zone)
    return _template().render(
        report=report_data,
        night=report_data.last_night,
        made_at=report_data.made_at.astimezone(zone),
        zone=zone,
        agency_zone=ZoneInfo(report_data.agency_time_zone),
        charts=charts,
        rules=[
            (number, rule, label, report_data.by_rule[rule])
            for number, (rule, label) in enumerate(RULE_NAMES.items(), 1)
        ],
        statuses=[(status.label, report_data.by_status.get(status, 0)) for status in STATUSES],
        hours_known=sum(report_data.by_hour.values()),
        weekdays=WEEKDAYS,
        reasons=_reasons(report_data),
        left_behind=_left_behind(report_data),
    )


def _reasons(report_data: ReportData) -> Mapping[str, Sequence[tuple[str, str, int]]]:
    """Return the reasons and notes that occur, by kind.

    Each has its name, its meaning and its number of visits.
    """
    kinds = {"Rejected": RejectReason, "Not active": InactiveReason, "Noted, but kept": Note}
    found = {
        kind: [
            (str(reason), reason.label, count)
            for reason in names
            if (count := report_data.source_counts.get(reason, 0) + report_data.without_prefix.get(reason, 0))
        ]
        for kind, names in kinds.items()
    }
    return {kind: sorted(each, key=lambda reason: -reason[2]) for kind, each in found.items()}


def _left_behind(report_data: ReportData) -> Sequence[tuple[str, datetime | None]]:
    """Return the prefixes that the last night did not bring up to date.

    They are given as ranges, by the time of the snapshot that they show.
    """
    if report_data.last_night is None:
        return []
    by_time: dict[datetime | None, list[str]] = {}
    for prefix, as_of in report_data.last_night.left_behind.items():
        by_time.setdefault(as_of, []).append(prefix)
    return [(", ".join(prefix_ranges(prefixes)), as_of) for as_of, prefixes in by_time.items()]


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("conflict_assets", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "count": count_text,
        "money": money_text,
        "seconds": seconds_text,
        "hours": hours_text,
        "share": share_text,
        "day": day_text,
        "moment": moment_text,
        "span": span_text,
        "amount": amount_text,
        "rule": rule_text,
        "when": lambda visit, zone: when_text(visit, zone, lambda day: f"{day_text(day)},"),
    }
    return environment.get_template("report.html")
