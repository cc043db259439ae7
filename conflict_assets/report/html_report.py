"""The report as one HTML page that needs nothing else.

It has no script, no font and no network.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from conflict_assets.domain.reasons import InactiveReason, Note, RejectReason
from conflict_assets.domain.report_data import ChartFigures, ReportData
from conflict_assets.domain.rules import Rule
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
from conflict_assets.report.charts import WEEKDAYS, Chart, hours_chart, prefix_chart, rules_chart, trend_chart
from conflict_assets.report.pictures import RULES, trend_title

SHOWN_PLACES = 3
RULE_NAMES = {rule.flag: rule.label for rule in Rule}
STATUSES = (Status.NEW, Status.OPEN, Status.WHITELISTED, Status.IGNORED, Status.RESOLVED, Status.EXPIRED)
"""The statuses in the order of the page.

What people decided stands beside what is open.
"""


def report_html(report_data: ReportData, charts: Mapping[str, Chart] | None = None) -> str:
    """Return the whole page.

    SSNs are masked, and there is nothing about patients. The charts are drawn here unless they are given.
    """
    zone = ZoneInfo(report_data.time_zone)
    return _template().render(
        report=report_data,
        night=report_data.last_night,
        made_at=report_data.made_at.astimezone(zone),
        zone=zone,
        agency_zone=ZoneInfo(report_data.agency_time_zone),
        charts=charts or draw_charts(report_data),
        rules=[(number, rule, RULE_NAMES[rule], report_data.by_rule[rule]) for number, rule in enumerate(RULES, 1)],
        statuses=[(status.label, report_data.by_status.get(status, 0)) for status in STATUSES],
        hours_known=sum(report_data.by_hour.values()),
        weekdays=WEEKDAYS,
        reasons=_reasons(report_data),
        left_behind=_left_behind(report_data),
    )


def draw_charts(figures: ChartFigures) -> Mapping[str, Chart]:
    """Draw the charts of the page, by their names in it."""
    count = f"{count_text(figures.open_conflicts)} open conflicts"
    rules = ", ".join(f"{RULE_NAMES[rule]} {count_text(figures.by_rule[rule])}" for rule in RULES)
    prefixes = _highest([(f"prefix {prefix}", count) for prefix, count in figures.by_prefix.items()])
    hours = _highest([(f"{WEEKDAYS[day - 1]} {hour:02}:00", count) for (day, hour), count in figures.by_hour.items()])
    return {
        "rules": rules_chart(figures.by_rule, RULE_NAMES, f"Bars of {count} by rule: {rules}"),
        "prefixes": prefix_chart(figures.by_prefix, f"Heat map of {count} by SSN prefix; most: {prefixes}"),
        "hours": hours_chart(
            figures.by_hour, figures.agency_time_zone, f"Heat map of {count} by hour of the week; most: {hours}"
        ),
        "trend": trend_chart(figures.nights, trend_title(figures.nights)),
    }


def _highest(counts: Sequence[tuple[str, int]]) -> str:
    most = sorted(((name, count) for name, count in counts if count), key=lambda each: (-each[1], each[0]))
    return ", ".join(f"{name} with {count_text(count)}" for name, count in most[:SHOWN_PLACES]) or "none"


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
