"""Kill whole nights of the command line at random moments, without a daemon: `make kills`."""

import argparse
import random
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from conflict_assets_tests.kills.nights import Home
from conflict_assets_tests.kills.report import surroundings, table
from conflict_assets_tests.kills.sources import early_zone
from conflict_assets_tests.kills.trial import Reference, Struck, Trial, WrongNight, refer
from conflict_assets_tests.kills.victims import KILLS, Deck

KILLS_PER_HOME = 20
DIGITS = (1, 1, 2)
"""Prefixes of one digit make shorter nights; every third home has a hundred prefixes."""


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="how many kills must meet somebody (200)")
    parser.add_argument("--seed", type=int, default=1, help="which victims, signals and moments (1)")
    parser.add_argument("--minutes", type=float, default=90, help="begin no further kill after so many (90)")
    parser.add_argument("--patience", type=float, default=150, help="seconds after which a night hangs (150)")
    parser.add_argument("--kills-per-home", type=int, default=KILLS_PER_HOME, help="then a fresh home is taken (20)")
    parser.add_argument("--only", default="", help='kills of which this is a part of the name: "step", "tree, SIGKILL"')
    found = parser.parse_args()
    if not any(found.only in str(kill) for kill in KILLS):
        parser.error(f"--only {found.only}: there are: {'; '.join(map(str, KILLS))}")
    return found


@dataclass
class Harness:
    """All homes, one after the other."""

    options: argparse.Namespace
    folder: Path
    console: Console = field(default_factory=lambda: Console(highlight=False, soft_wrap=True, width=140))
    zone: str = field(default_factory=early_zone)
    references: dict[int, Reference] = field(default_factory=dict)
    struck: list[Struck] = field(default_factory=list)
    home: Home | None = None
    begun: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.options.seed)  # noqa: S311 - a test's dice
        self.deck = Deck(self.chance, [kill for kill in KILLS if self.options.only in str(kill)])

    def run(self) -> int:
        """The exit code: 1 when a night is wrong."""
        try:
            for number in range(1, self.options.kills + 1):
                if self._is_enough():
                    break
                self._use_up(number)
        except WrongNight as wrong:
            self._say(f"WRONG: {wrong}")
            if self.home is not None:
                self._say(surroundings(self.home))
                self._say(f"The home is kept: {self.home.folder}")
            return 1
        finally:
            if self.home is not None:
                self.home.end()
            self.console.print(table(self.struck))
            self._say(f"{len(self.struck)} kills in {(time.monotonic() - self.begun) / 60:.1f} minutes")
        return 0

    def _use_up(self, number: int) -> None:
        """Kill in a fresh home until it has had its share."""
        digits = DIGITS[(number - 1) % len(DIGITS)]
        reference = self._reference(digits)
        self.home = Home(self.folder / f"home-{number}", digits, self.zone, self._other_source(digits))
        trial = Trial(
            self.home, reference, self.deck, self.chance, self.options.patience, self._say, struck=self.struck
        )
        share = min(len(self.struck) + self.options.kills_per_home, self.options.kills)
        while len(self.struck) < share and not self._is_enough():
            trial.strike_and_follow(share - len(self.struck))
        self.home.remove()

    def _reference(self, digits: int) -> Reference:
        if digits not in self.references:
            self.home = Home(self.folder / f"undisturbed-{digits}", digits, self.zone)
            found = refer(self.home, self._other_source(digits), self.options.patience)
            self.references[digits] = found
            nights = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in found.seconds.items())
            self._say(f"Undisturbed nights of {10**digits} prefixes: {nights}")
            self.home.remove()
        return self.references[digits]

    def _other_source(self, digits: int) -> Path:
        return self.folder / f"other-{digits}.duckdb"

    def _is_enough(self) -> bool:
        late = time.monotonic() - self.begun > 60 * self.options.minutes
        return late or len(self.struck) >= self.options.kills

    def _say(self, text: str) -> None:
        self.console.print(f"{len(self.struck):3} {text}", markup=False)


def main() -> int:
    given = options()
    # What starts this in the background may have it ignored, and every command would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    folder = Path(tempfile.mkdtemp(prefix="kills-"))
    code = Harness(given, folder).run()
    if code == 0:
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
    return code


if __name__ == "__main__":
    sys.exit(main())
