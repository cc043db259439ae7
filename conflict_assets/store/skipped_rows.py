"""The rows of a file or a table that are left out.

They are reported by what is wrong with them, and by where they are.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field

from conflict_assets.domain.masking import masked

PLACES_SHOWN = 5
KINDS_SHOWN = 5
LONGEST_FLAG = 12


@dataclass
class LeftOut:
    """What was left out so far. Rows of a database have no place."""

    _counts: Counter[str] = field(default_factory=Counter)
    _places: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    def note(self, why: str, place: str | None) -> None:
        """Remember one row."""
        self._counts[why] += 1
        if place is not None and len(self._places[why]) < PLACES_SHOWN:
            self._places[why].append(place)

    def note_flag(self, flag: str, place: str | None) -> None:
        """Remember a row whose flag is no decision.

        A row without a flag is usual, and is not reported.
        """
        if flag:
            shown = flag if len(flag) <= LONGEST_FLAG else f"{flag[:LONGEST_FLAG]}..."
            self.note(f"with StatusFlag {masked(repr(shown))}, which is no decision (W and I are)", place)

    def sentences(self) -> tuple[str, ...]:
        """Return a sentence for each kind of row, the most frequent first."""
        kinds = self._counts.most_common()
        sentences = [_sentence(why, count, self._places[why]) for why, count in kinds[:KINDS_SHOWN]]
        more = sum(count for _, count in kinds[KINDS_SHOWN:])
        return (*sentences, f"{more:,} rows left out for other reasons of these kinds") if more else tuple(sentences)


def _sentence(why: str, count: int, places: list[str]) -> str:
    where = f": {', '.join(places)}" if places else ""
    more = f" and {count - len(places):,} more" if places and count > len(places) else ""
    return f"{count:,} {'row' if count == 1 else 'rows'} {why}{where}{more}"
