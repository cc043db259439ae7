"""The totals of a whole store at one moment: `store.session.run(totals)`."""

from typing import Any

import psycopg

from conflict_assets.store.report_tables import open_tables, read_totals
from conflict_assets.store.row_types import StoreTotals


def totals(connection: psycopg.Connection[Any]) -> StoreTotals:
    with open_tables(connection) as open_conflicts:
        ((prefix_length,),) = connection.execute("SELECT prefix_length FROM conflict_store").fetchall()
        return read_totals(open_conflicts, prefix_length)
