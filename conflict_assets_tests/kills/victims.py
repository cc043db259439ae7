"""Who is killed, and how: each victim by each signal that it may meet, Ctrl-C and a closed terminal among them."""

import random
import signal
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import psutil
import psycopg

from conflict_assets_tests.kills.nights import CTRL_C, Home, Night, is_alive
from conflict_assets_tests.pg import rows

SIGNALS = ("SIGKILL", "SIGTERM", "SIGINT", "SIGHUP")
VICTIMS = ("command", "whole tree", "step", "forkserver", "backend", "postmaster", "everything")
TERMINAL, CTRL_C_NAME, CLOSED = "terminal", "Ctrl-C", "closed"
BY_SQL = "pg_terminate_backend"
ALL_BACKENDS = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
FORKSERVER = "multiprocessing.forkserver"


@dataclass(frozen=True, order=True)
class Kill:
    """A victim and what befalls it."""

    victim: str
    how: str

    @property
    def on_terminal(self) -> bool:
        return self.victim == TERMINAL

    def __str__(self) -> str:
        return f"{self.victim}, {self.how}"


KILLS = (
    *(Kill(victim, how) for victim in VICTIMS for how in SIGNALS),
    Kill("backend", BY_SQL),
    Kill(TERMINAL, CTRL_C_NAME),
    Kill(TERMINAL, CLOSED),
)


@dataclass
class Deck:
    """Kinds of kills in random order, again and again, so that each comes about as often."""

    chance: random.Random
    kinds: Sequence[Kill]
    cards: list[Kill] = field(default_factory=list)

    def draw(self, *, without: frozenset[str] = frozenset()) -> Kill:
        """Take the next kind that can be done; where there is none, one that meets nobody."""
        if not any(card.how not in without for card in self.cards):
            self.cards = list(self.kinds)
            self.chance.shuffle(self.cards)
        able = [card for card in self.cards if card.how not in without]
        drawn = (able or self.cards)[0]
        self.cards.remove(drawn)
        return drawn

    def put_back(self, kill: Kill) -> None:
        """Let a kill that met nobody come again."""
        self.cards.append(kill)


def strike(kill: Kill, home: Home, night: Night, chance: random.Random) -> int:
    """Do it now; how many living processes were met."""
    if kill.victim == TERMINAL:
        return _by_terminal(kill, night)
    if kill.how == BY_SQL:
        return _by_sql(home, chance)
    met = [each for each in victims(kill.victim, home, night, chance) if is_alive(each)]
    number = signal.Signals[kill.how]
    return sum(_sent(each, number) for each in met)


def _sent(process: psutil.Process, number: int) -> bool:
    with suppress(psutil.Error):
        process.send_signal(number)
        return True
    return False


def _by_terminal(kill: Kill, night: Night) -> int:
    if night.is_over() or night.terminal is None:
        return 0
    if kill.how == CLOSED:
        night.terminal.close()
    else:
        night.terminal.press(CTRL_C)
    return 1


def _by_sql(home: Home, chance: random.Random) -> int:
    """End a session as an administrator does."""
    if home.url is None:
        return 0
    try:
        backends = [pid for (pid,) in rows(home.url, ALL_BACKENDS)]
        if not backends:
            return 0
        ((ended,),) = rows(home.url, "SELECT pg_terminate_backend(%s)", [chance.choice(backends)])
    except psycopg.OperationalError:
        return 0
    return int(ended)


def victims(victim: str, home: Home, night: Night, chance: random.Random) -> list[psutil.Process]:
    """The living processes of a kind; where one of several is meant, any one of them."""
    if victim == "everything":
        return [] if night.is_over() else [*home.workers(), *home.server()]
    if victim == "command":
        return _tree(night)[:1]
    if victim == "whole tree":
        return _tree(night)
    if victim == "postmaster":
        return [each for each in home.server() if "-D" in _words(each)][:1]
    if victim == "backend":
        found = [each for each in home.server() if " ".join(_words(each)).startswith("postgres: conflicts ")]
    else:
        found = list(_forked(night, steps=victim == "step"))
    return [chance.choice(found)] if found else []


def _tree(night: Night) -> list[psutil.Process]:
    if night.is_over():
        return []
    with suppress(psutil.Error):
        command = psutil.Process(night.process.pid)
        return [command, *command.children(recursive=True)]
    return []


def _forked(night: Night, *, steps: bool) -> Iterator[psutil.Process]:
    """The processes of steps, which a server of Python's has forked, or that server."""
    for process in _tree(night)[1:]:
        with suppress(psutil.Error):
            parent = process.parent()
            if _is_forked_by(process) and steps == (parent is not None and _is_forked_by(parent)):
                yield process


def _is_forked_by(process: psutil.Process) -> bool:
    return any(FORKSERVER in word for word in _words(process))


def _words(process: psutil.Process) -> list[str]:
    with suppress(psutil.Error):
        return list(process.cmdline())
    return []
