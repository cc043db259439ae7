"""The rows of a file or a table that are left out.

They are reported by what is wrong with them, and by their lines.
"""

from collections import defaultdict
from dataclasses import dataclass, field

from conflict_assets.domain.privacy import masked

LINES_SHOWN = 5
KINDS_SHOWN = 5
LONGEST_FLAG = 12


@dataclass
class LeftOut:
    """What was left out so far.

    Rows of a table have no line.
    """

    _lines: dict[str, list[int | None]] = field(default_factory=lambda: defaultdict(list))

    def note(self, why: str, line: int | None) -> None:
        """Remember one row."""
        self._lines[why].append(line)

    def note_flag(self, flag: str, line: int | None) -> None:
        """Remember a row whose flag is no decision.

        A row without a flag is usual, and is not reported.
        """
        if flag:
            shown = flag if len(flag) <= LONGEST_FLAG else f"{flag[:LONGEST_FLAG]}..."
            self.note(f"with StatusFlag {masked(repr(shown))}, which is no decision (W and I are)", line)

    def sentences(self) -> tuple[str, ...]:
        """Return a sentence for each kind of row, the most frequent first."""
        kinds = sorted(self._lines.items(), key=lambda kind: -len(kind[1]))
        sentences = [_sentence(why, lines) for why, lines in kinds[:KINDS_SHOWN]]
        more = sum(len(lines) for _, lines in kinds[KINDS_SHOWN:])
        return (*sentences, f"{more:,} rows left out for other reasons of these kinds") if more else tuple(sentences)


def _sentence(why: str, lines: list[int | None]) -> str:
    numbers = [str(line) for line in lines[:LINES_SHOWN] if line is not None]
    where = f": {'line' if len(lines) == 1 else 'lines'} {', '.join(numbers)}" if numbers else ""
    more = f" and {len(lines) - len(numbers):,} more" if numbers and len(lines) > len(numbers) else ""
    return f"{len(lines):,} {'row' if len(lines) == 1 else 'rows'} {why}{where}{more}"
