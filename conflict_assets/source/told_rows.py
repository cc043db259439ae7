"""Which of the visits that are not contested are told of.

Rejected visits always are. Inactive ones are where they may explain why a conflict has gone: in blocks of dates that
would be looked at whatever is next to them, and in those that the store follows.
"""

import pyarrow as pa
import pyarrow.compute as pc

from conflict_assets.domain.reasons import RejectReason
from conflict_assets.source.cells import block_of_cells, numbers
from conflict_assets.source.protocol import VisitQuery
from conflict_assets.source.survey import BLOCK_SCHEMA, followed_blocks

_REJECTED = pa.array([str(reason) for reason in RejectReason])


def with_told(left_out: pa.Table, query: VisitQuery) -> pa.Table:
    """Say of each row whether it is told of, in the column `is_told`."""
    blocks = pa.table(
        [left_out["left_out_ssn"], pa.array(block_of_cells(numbers(left_out["cell"])))], schema=BLOCK_SCHEMA
    )
    numbered = blocks.append_column("row", pa.array(range(blocks.num_rows), pa.int64()))
    followed = numbered.join(followed_blocks(query), BLOCK_SCHEMA.names, join_type="left semi")["row"]
    is_followed = pc.is_in(numbered["row"], followed.combine_chunks())
    is_rejected = pc.is_in(left_out["outcome"], _REJECTED)
    is_told = pc.or_(pc.or_(is_rejected, pc.coalesce(left_out["is_suspect"], pa.scalar(False))), is_followed)
    if "is_told" in left_out.column_names:
        left_out = left_out.drop_columns("is_told")
    return left_out.append_column("is_told", is_told)


def told(left_out: pa.Table) -> pa.Table:
    """Return the rows that are told of. Those of an earlier release all are."""
    return left_out.filter(pc.coalesce(left_out["is_told"], pa.scalar(True)))
