"""The totals of a whole store at one moment: `store.session.run(totals)`."""

from typing import Any

import psycopg

from conflict_assets.store.row_types import StoreTotals
from conflict_assets.store.store_queries import open_sides, read_totals


def totals(connection: psycopg.Connection[Any]) -> StoreTotals:
    with open_sides(connection):
        ((prefix_length,),) = connection.execute("SELECT prefix_length FROM conflict_store").fetchall()
        return read_totals(connection, prefix_length)
