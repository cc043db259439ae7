"""The tables of the results.

They are shown on the terminal, and in the section of docs/benchmarks.md that is between two marks.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.night.contenders import NAMES
from benchmarks.night.measurement import Measurement, Medians
from benchmarks.night.verdicts import verdicts

BEGIN, END = "<!-- night: begin -->", "<!-- night: end -->"
MEBIBYTE = 1 << 20
PROFILED = {"c2": "", "f": ", all again", "u": ", nothing changed", "k": ", 1 % changed"}
"""The contenders whose phases are told, and what is said of each."""

Table = list[tuple[str, ...]]

HEAD = (
    *("visits", "contender", "runs", "wall, s", "CPU, s", "server's CPU, s", "largest process, MiB"),
    *("all processes, MiB", "server, MiB", "rows fetched", "rows written", "conflicts"),
)

TEXT = """## A whole night

`make bench`: generated visits (97 prefixes with data, some 500 visits a caregiver, 2 % of visits in a conflict), laid
down by their dates, as a warehouse that is loaded day by day holds them; the contenders in turns on the same machine
and file, each a fresh process with a fresh database and folder. `runs` is how often each ran; figures are medians.

- **a, the replaced pipeline**, re-created: four threads take prefixes from a queue; each fetches every visit in the
  window of the prefix's caregivers that have conflicts, all columns, into pandas, merges and judges (the frozen engine
  of `make bench-engine`), and writes by a text COPY and one UPDATE into a wide table that holds the planted conflicts.
  Its rules are its own: it compares visits of one date only, and leaves out visits with just one actual time. So it
  counts fewer conflicts.
- **b, the bare engine**: one process, no Dagster, the same inputs and outputs as ours.
- **c, ours**: `conflict-assets run`, everything included: its start, the store's schema, events, checks and summary.
  After the first night with 2 workers, others follow over the same store: one that reads everything again (`--full`),
  one in which nothing has changed, and one a date later. Then visits are edited before each night: 1 % of them (nine in
  ten of the last ten days, the others anywhere), those of some 14 dates of every tenth caregiver (in production these
  were 5 % of all; here a caregiver has visits on hundreds of dates), and 5 % of all, half of every tenth caregiver's.
- **d, the floor**: one DuckDB query with two threads that only counts conflicts.

CPU is that of the command and all its processes; the server's is PostgreSQL's own, and comes on top. The largest
process is its peak of resident memory; all processes together count shared pages once; neither includes PostgreSQL.
Rows fetched are visits that left the source. Rows written are what PostgreSQL counts as inserted, updated or deleted.
"""


def results_table(found: Medians) -> Table:
    """Return a row for each size and contender."""
    order = sorted(found, key=lambda key: (key[0], list(NAMES).index(key[1])))
    return [HEAD, *(_row(found[key]) for key in order)]


def _row(run: Measurement) -> tuple[str, ...]:
    memory = (f"{size / MEBIBYTE:,.0f}" for size in (run.largest, run.together, run.server_memory))
    rows = (f"{count:,}" for count in (run.fetched, run.written, run.conflicts))
    seconds = (f"{cost:,.1f}" for cost in (run.wall, run.cpu, run.server_cpu))
    runs = "extrapolated" if run.extrapolated else str(run.runs)
    return (f"{run.visits:,}", NAMES[run.contender], runs, *seconds, *memory, *rows)


def verdict_table(found: Medians) -> Table:
    """Return a row for each promise."""
    rows = [(verdict.promise, verdict.found, verdict.word) for verdict in verdicts(found)]
    return [("promise", "found", "verdict"), *rows]


def phase_table(found: Medians) -> Table:
    """Return a row for each phase of ours with two workers.

    There is a column for each size, in seconds of wall time.
    """
    order = list(PROFILED)
    profiled = [
        found[size, name] for size in sorted({size for size, _ in found}) for name in order if (size, name) in found
    ]
    if not profiled:
        return []
    head = ("phase, s", *(f"{run.visits:,}{PROFILED[run.contender]}" for run in profiled))
    rows = [(name, *(f"{run.phases[name]:.1f}" for run in profiled)) for name in profiled[0].phases]
    return [head, *rows, ("all", *(f"{run.wall:.1f}" for run in profiled))]


def replaced_table(found: Medians) -> Table:
    """Return where the replaced pipeline's threads spend their time."""
    runs = [found[key] for key in sorted(found) if key[1] == "a" and not found[key].extrapolated]
    rows = [(f"{run.visits:,}", *(f"{seconds:,.1f}" for seconds in _of_threads(run))) for run in runs]
    return [("a's four threads, s", "fetch", "merge and judge", "write"), *rows] if rows else []


def _of_threads(run: Measurement) -> Iterable[float]:
    return (run.phases[f"{name}_seconds"] for name in ("fetch", "detect", "write"))


def tables(found: Medians) -> list[Table]:
    """Return all tables that are not empty."""
    every = (results_table(found), verdict_table(found), phase_table(found), replaced_table(found))
    return [table for table in every if table]


def plain(table: Table) -> str:
    """Return a table as text for a terminal."""
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in table)


def markdown(table: Table) -> str:
    """Return a table as text for a document."""
    lines = [f"| {' | '.join(row)} |" for row in table]
    return "\n".join([lines[0], "|---" * len(table[0]) + "|", *lines[1:]])


def section(found: Medians, setting: Sequence[str]) -> str:
    """Return the section of the document.

    `setting` describes machine, versions and data.
    """
    results, *others = tables(found)
    return "\n\n".join(
        [
            TEXT.rstrip(),
            "\n".join(f"{line}." for line in setting),
            "![Cost of a night against visits](night.png)",
            markdown(results),
            *map(markdown, others),
            "Detecting, writing and the events of the prefixes are seconds of all workers, divided by the workers.",
        ]
    )


def write_section(document: Path, text: str) -> None:
    """Put the section between its marks, or at the end where there are none.

    The rest of the document stays as it is.
    """
    whole = document.read_text(encoding="utf-8")
    marked = f"{BEGIN}\n{text}\n{END}"
    if BEGIN in whole:
        before, rest = whole.split(BEGIN, 1)
        document.write_text(before + marked + rest.split(END, 1)[1], encoding="utf-8")
    else:
        document.write_text(f"{whole.rstrip()}\n\n{marked}\n", encoding="utf-8")
