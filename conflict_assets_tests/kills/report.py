"""What the harness says at its end, and of a night that is wrong."""

import statistics
from collections import defaultdict
from collections.abc import Iterable

import psycopg
from rich.table import Table

from conflict_assets_tests.kills.nights import Home
from conflict_assets_tests.kills.trial import Struck
from conflict_assets_tests.kills.victims import Kill
from conflict_assets_tests.pg import rows

SERVER = {
    "sessions": """SELECT pid, datname, application_name, state, wait_event_type, wait_event,
                     round(extract(epoch FROM now() - xact_start)) AS seconds, left(query, 90)
                   FROM pg_stat_activity
                   WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() ORDER BY pid""",
    "locks": """SELECT pid, locktype, mode, granted, relation::regclass, classid::bigint, objid::bigint
                FROM pg_locks WHERE pid <> pg_backend_pid() AND (locktype = 'advisory' OR NOT granted) ORDER BY pid""",
}


def table(struck: Iterable[Struck]) -> Table:
    """Kills by victim and signal: how many, when, how the nights ended, and how long the following ones took."""
    shown = Table("victim", "by", "kills", "at (s)", "ended", "orphans (s)", "traces", "following night (s)")
    by_kill: dict[Kill, list[Struck]] = defaultdict(list)
    for each in struck:
        by_kill[each.kill].append(each)
    for kill, found in sorted(by_kill.items()):
        shown.add_row(
            kill.victim,
            kill.how,
            str(len(found)),
            _spread(each.moment for each in found),
            " ".join(str(each.ended) for each in sorted(found, key=lambda each: each.ended)),
            _spread(each.orphans for each in found if each.orphans is not None),
            str(sum(each.traced for each in found) or ""),
            _spread(each.following for each in found if each.following is not None),
        )
    return shown


def _spread(seconds: Iterable[float]) -> str:
    found = sorted(seconds)
    return f"{found[0]:.1f} to {found[-1]:.1f} ({statistics.median(found):.1f})" if found else ""


def surroundings(home: Home) -> str:
    """What lives of a home, and what its server's sessions do and wait for: whoever looks for a hang needs both."""
    lines = [f"{each.pid} {each.status()} {' '.join(each.cmdline())[:160]}" for each in home.workers()]
    said = ["processes:", *lines]
    for name, query in SERVER.items() if home.url else ():
        said.append(f"{name}:")
        try:
            said += [str(row) for row in rows(home.url, query)]
        except psycopg.OperationalError as error:
            said.append(f"the server can't be asked: {error}")
    return "\n".join(said)
