"""The trial: nights are cut off at random moments, and every undisturbed night after them must be right.

Nothing is freed or mended between a kill and the night that follows it.
"""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from conflict_assets_tests.e2e.platform import Rows
from conflict_assets_tests.kills.nights import FIRST, OTHER, Home, Night
from conflict_assets_tests.kills.sources import write_other_source
from conflict_assets_tests.kills.stores import content, faults
from conflict_assets_tests.kills.victims import BY_SQL, Deck, Kill, strike

KILLS_IN_A_ROW = (1, 1, 2, 3)
AT_ONCE = 1 / 3
"""How often the next night begins although what the last one has started still lives."""

TIMES_AS_LONG = 5
"""A night hangs when it takes longer than one is patient, and so many times as long as an undisturbed one."""

IN_THE_THICK = 1 / 2
FIRST_DONE = "[1/"
"""How often a night is struck soon after it has said that its first prefix is done: then it holds most."""

SOON = 0.3
"""A victim that is not there yet at the moment is met within so many seconds after it comes."""
TRACE = "Traceback (most recent call last)"


class WrongNight(Exception):  # noqa: N818 - what it says
    """A night that hangs, fails, or leaves what it must not leave."""


@dataclass
class Struck:
    """A kill that met somebody, and what came of the night."""

    kill: Kill
    home: str
    night: Night
    moment: float
    length: float
    seconds: float
    orphans: float | None = None
    following: float | None = None

    def __post_init__(self) -> None:
        self.ended = self.night.process.returncode
        self.traced = TRACE in self.night.said()

    def __str__(self) -> str:
        orphans = "not waited for" if self.orphans is None else f"{self.orphans:.1f} s more for what it had started"
        return (
            f"{self.home}, night {self.night.state}: {self.kill} at {self.moment:.1f} of {self.length:.1f} s; "
            f"ended {self.ended} at {self.seconds:.1f} s, {orphans}{', with a trace' if self.traced else ''}"
        )


@dataclass
class Reference:
    """What undisturbed nights leave, and how long each takes, by what came before: nothing, or the other state."""

    contents: dict[str, dict[str, Rows]] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)


NEW = f"new {FIRST}"
"""The first night of a store: nothing of the other state is in it."""


@dataclass
class Trial:
    """A home whose nights are killed; `told` is given each line of the report."""

    home: Home
    reference: Reference
    deck: Deck
    chance: random.Random
    patience: float
    told: Callable[[str], None]
    finished: set[str] = field(default_factory=set)
    current: str | None = None
    unfollowed: list[Struck] = field(default_factory=list)
    struck: list[Struck] = field(default_factory=list)

    def strike_and_follow(self, most: int) -> None:
        """Kill one to three nights in a row, then let one be."""
        target = len(self.struck) + min(most, self.chance.choice(KILLS_IN_A_ROW))
        while len(self.struck) < target:
            killed = self._next_state()
            self._kill(killed)
        self._follow(killed)

    def _next_state(self) -> str:
        """A state that gives a night work to do."""
        return OTHER if self.current == FIRST else FIRST

    def _kill(self, state: str) -> None:
        kill = self.deck.draw(without=frozenset() if self.home.url else frozenset({BY_SQL}))
        expected = self._expected(state)
        length = self.reference.seconds[expected]
        night = self.home.begin(state, on_terminal=kill.on_terminal)
        self._await_moment(night, length)
        while not (met := strike(kill, self.home, night, self.chance)) and not night.is_over():
            time.sleep(self.chance.uniform(0, SOON))
        moment = night.seconds
        self._await_end(night)
        struck = Struck(kill, self.home.folder.name, night, moment, length, night.seconds)
        self._check_if_whole(night, expected)
        if not met:
            self.deck.put_back(kill)
            return
        if self.chance.random() > AT_ONCE:
            struck.orphans = self._await_orphans(night)
        self.struck.append(struck)
        self.unfollowed.append(struck)
        self.told(str(struck))

    def _await_moment(self, night: Night, length: float) -> None:
        """Any moment of the night is as likely; but every other one lies where prefixes are being committed."""
        if self.chance.random() > IN_THE_THICK:
            time.sleep(self.chance.uniform(0, 1.1 * length))
            return
        while not night.is_over() and FIRST_DONE not in night.said():
            time.sleep(0.05)
        time.sleep(self.chance.uniform(0, length / 8))

    def _follow(self, killed: str) -> None:
        """Run a night and hold it to what an undisturbed one leaves."""
        both = self.finished == {FIRST, OTHER}
        state = self.chance.choice((killed, killed, FIRST, OTHER)) if both else killed
        expected = self._expected(state)
        night = self.home.begin(state)
        self._await_end(night)
        seconds = night.seconds
        if night.process.returncode != 0:
            raise WrongNight(f"night {state} ended {night.process.returncode}:\n{night.said()}")
        self._hold(expected, f"after night {state}")
        self._await_orphans(night)
        self._ask_doctor()
        self._whole(state)
        self.reference.seconds[expected] = (self.reference.seconds[expected] + seconds) / 2
        for each in self.unfollowed:
            each.following = seconds
        self.unfollowed.clear()
        self.told(f"{self.home.folder.name}, night {state}: right after {seconds:.1f} s")

    def _expected(self, state: str) -> str:
        return NEW if state == FIRST and OTHER not in self.finished else state

    def _whole(self, state: str) -> None:
        self.finished.add(state)
        self.current = state

    def _check_if_whole(self, night: Night, expected: str) -> None:
        """Hold a night that says that all went well to its word, if its store can still be asked."""
        if night.process.returncode != 0 or not self.home.server():
            return
        try:
            self._hold(expected, f"after a night {night.state} that was struck and ended 0")
        except psycopg.OperationalError:
            return  # the server was struck
        self._whole(night.state)

    def _hold(self, expected: str, when: str) -> None:
        prefixes = 10**self.home.digits
        wrong = faults(self.home.learn_url(), self.reference.contents[expected], prefixes)
        if wrong:
            raise WrongNight(f"the store {when} is wrong:\n" + "\n".join(wrong))

    def _await_end(self, night: Night) -> None:
        patience = max(self.patience, TIMES_AS_LONG * max(self.reference.seconds.values()))
        if not night.is_over_within(patience):
            raise WrongNight(f"night {night.state} hangs; after {night.seconds:.0f} s it has said:\n{night.said()}")

    def _await_orphans(self, night: Night) -> float:
        """Wait for the end of what a night has started; how long that took."""
        begun = time.monotonic()
        while left := self.home.workers():
            if time.monotonic() - begun > self.patience:
                names = "\n".join(f"{each.pid} {' '.join(each.cmdline())}" for each in left)
                raise WrongNight(f"night {night.state} is over, and these go on:\n{names}")
            time.sleep(0.2)
        return time.monotonic() - begun

    def _ask_doctor(self) -> None:
        doctor = self.home.command("doctor")
        if doctor.returncode != 0:
            raise WrongNight(f"doctor ended {doctor.returncode}:\n{doctor.stdout}{doctor.stderr}")


def refer(home: Home, other_source: Path, patience: float) -> Reference:
    """Run undisturbed nights: the first, then each state after the other, twice."""
    reference = Reference()
    for name in (NEW, OTHER, FIRST, OTHER, FIRST):
        if name == OTHER and home.other_source is None:
            write_other_source(home.data / "visits.duckdb", other_source)
            home.other_source = other_source
        state = FIRST if name == NEW else name
        night = home.begin(state)
        if not night.is_over_within(patience) or night.process.returncode != 0:
            raise WrongNight(f"undisturbed night {name} ended {night.process.returncode}:\n{night.said()}")
        reference.seconds[name] = night.seconds
        found = content(home.learn_url())
        before = reference.contents.setdefault(name, found)
        if found != before:
            raise WrongNight(f"two undisturbed nights {name} differ: {before} and {found}")
    if reference.contents[FIRST]["conflicts"] == reference.contents[OTHER]["conflicts"]:
        raise WrongNight("both states of the source have the same conflicts: no night has anything to do")
    return reference
