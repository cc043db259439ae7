"""What happens to the visits between two nights.

Edits change what a visit shows, and leave alone what makes conflicts: as many are found as are planted.
"""

import shutil
from pathlib import Path

import duckdb

from benchmarks.night.sources import FACT

EDITS = {
    "k": """("Visit Date" > now() - INTERVAL 10 DAY AND "Visit Date" <= now() AND hash("Visit Id") % 1000 < 680)
        OR hash("Visit Id") % 1000 = 0""",
    "p": """hash("Caregiver Id") % 10 = 0
        AND (epoch_us("Visit Date") // 86400000000 + hash("Caregiver Id") // 10) % 83 = 0""",
    "m": """hash("Caregiver Id") % 10 = 0 AND hash("Visit Id") % 2 = 0""",
}
"""Which visits are edited before each night.

Before `k`, nine in ten of the edited visits are of the last ten days, and the others anywhere. Before `p`, they are
those of some 14 dates of every tenth caregiver, and before `m` half of all visits of every tenth caregiver.
"""

_EDIT = """
    UPDATE "BI"."{table}"
    SET "Billed Hours" = "Billed Hours" + 0.25,
        "Visit Updated Timestamp" = "Visit Updated Timestamp" + INTERVAL 1 MINUTE
    WHERE {visits}
"""


def edit(source: Path, visits: Path, night: str) -> None:
    """Edit the visits in a copy of the source, to which the link `visits` points afterwards."""
    copy = visits.with_name("edited.duckdb")
    if not copy.exists():
        shutil.copyfile(source, copy)
        visits.unlink()
        visits.symlink_to(copy)
    with duckdb.connect(str(copy), config={"memory_limit": "4GB"}) as connection:
        connection.execute("SET enable_progress_bar = false")
        changed = connection.execute(_EDIT.format(table=FACT, visits=EDITS[night])).fetchone() or (0,)
        total = connection.execute(f'SELECT count(*) FROM "BI"."{FACT}"').fetchone() or (1,)
        connection.execute("CHECKPOINT")
    print(f"{changed[0]:,} of {total[0]:,} visits are edited ({changed[0] / total[0]:.2%})", flush=True)
