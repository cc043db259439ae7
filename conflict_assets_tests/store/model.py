"""The life of conflicts told a second time, in dictionaries: what the store is held to."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from conflict_assets.store.commit import PrefixCommit
from conflict_assets_tests.store.nights import Pair

Key = tuple[str, str]
"""SSN and pair id."""


@dataclass
class Life:
    """One conflict, as it was last found."""

    found: Pair
    first_detected: datetime
    resolved: tuple[datetime, str] | None = None


@dataclass
class Verdict:
    """What a person said, and what the conflict looked like then."""

    verdict: str
    looks: tuple[int, float]


@dataclass
class Model:
    """The store in dictionaries."""

    lives: dict[Key, Life] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    runs: list[PrefixCommit] = field(default_factory=list)
    zone: str = ""
    """The schedule's zone at the latest commit."""
    events: list[tuple[Any, ...]] = field(default_factory=list)
    excluded: set[str] = field(default_factory=set)

    def commit(self, commit: PrefixCommit, pairs: Mapping[Key, Pair], outcomes: Mapping[str, str], zone: str) -> None:
        self.zone = zone
        for key, pair in pairs.items():
            life = self.lives.get(key)
            if life is None:
                self.lives[key] = Life(pair, commit.as_of)
                self.tell(key, "detected", None, pair, commit)
                continue
            event = "reopened" if life.resolved else "changed" if looks(life.found) != looks(pair) else None
            life.found, life.resolved = pair, None
            if event:
                self.tell(key, event, None, pair, commit)
        for key, life in self.lives.items():
            if key not in pairs and life.resolved is None and inside(life.found, commit):
                life.resolved = commit.as_of, self.reason(life.found, outcomes)
                self.tell(key, "resolved", life.resolved[1], life.found, commit)
        self.runs.append(commit)

    def reason(self, pair: Pair, outcomes: Mapping[str, str]) -> str:
        found = {outcomes.get(pair.a), outcomes.get(pair.b)}
        if "excluded_agency" in found or {pair.agency, pair.con_agency} & self.excluded:
            return "excluded"
        return "inactive" if "deleted" in found else "gone"

    def decide(self, pair_id: str, verdict: str) -> None:
        known = [(life.resolved is not None, key[0], key) for key, life in self.lives.items() if key[1] == pair_id]
        if verdict == "cleared" and pair_id not in self.verdicts:
            return
        said = Verdict(verdict, looks(self.lives[min(known)[2]].found))
        if self.verdicts.get(pair_id) == said:
            return
        self.verdicts[pair_id] = said
        for _, _, key in known:
            self.tell(key, "decided", verdict, self.lives[key].found, None)

    def tell(self, key: Key, event: str, reason: str | None, pair: Pair, commit: PrefixCommit | None) -> None:
        self.events.append((*key, event, reason, *looks(pair), commit.run_id if commit else None))

    def status(self, key: Key) -> tuple[Any, ...]:
        life, latest = self.lives[key], self.runs[-1]
        said = self.verdicts.get(key[1])
        decision = said.verdict if said and said.verdict != "cleared" else None
        if decision:
            status = decision
        elif life.resolved:
            status = "resolved"
        elif not inside(life.found, latest):
            status = "expired"
        else:
            status = "new" if self.date_of(life.first_detected) == self.date_of(latest.as_of) else "open"
        outdated = bool(decision and said and said.looks != looks(life.found))
        resolved_at, reason = life.resolved or (None, None)
        return status, life.first_detected, self.last_detected(life), resolved_at, reason, decision, outdated

    def shown(self) -> set[Key]:
        """All but the resolved twins of conflicts that hold."""
        live = {pair_id for (_, pair_id), life in self.lives.items() if life.resolved is None}
        return {key for key, life in self.lives.items() if life.resolved is None or key[1] not in live}

    def date_of(self, moment: datetime) -> date:
        return moment.astimezone(ZoneInfo(self.zone)).date()

    def last_detected(self, life: Life) -> datetime:
        before = [
            run.as_of
            for run in self.runs
            if inside(life.found, run) and (life.resolved is None or run.as_of < life.resolved[0])
        ]
        return max([life.first_detected, *before])


def looks(pair: Pair) -> tuple[int, float]:
    return pair.rule, pair.overlap


def inside(pair: Pair, commit: PrefixCommit) -> bool:
    days: tuple[date, date] = (pair.day, pair.con_day or pair.day)
    return commit.first_date <= min(days) and max(days) <= commit.last_date
