"""A source read as a run reads it: the survey, the rows that it leads to, and the counts that both give."""

import pyarrow as pa
import pyarrow.compute as pc

from conflict_assets.source.protocol import (
    CARRYING_SCHEMA,
    REPEATED,
    ROW_SCHEMA,
    VisitQuery,
    VisitReader,
    VisitSource,
)
from conflict_assets.source.survey import Prefix, Survey, SurveyedCounts

Counts = dict[Prefix, dict[str, int]]

NO_SURVEY = Survey(visits={})

TOLD_SCHEMA = pa.schema([each for each in ROW_SCHEMA if each.name not in CARRYING_SCHEMA.names])


def read_with(reader: VisitReader, query: VisitQuery) -> tuple[Counts, pa.Table]:
    """Counts by prefix, and all rows that travel."""
    survey = reader.survey(query)
    tally = SurveyedCounts(survey)
    rows = pa.Table.from_batches(list(tally.watch(reader.read_visits(query, survey))), schema=ROW_SCHEMA)
    return tally.counts(), told(rows).combine_chunks()


def told(rows: pa.Table) -> pa.Table:
    """Rows as people hear of them: without what only a later night needs of them (`TOLD_SCHEMA`)."""
    rows = rows.filter(pc.not_equal(rows["outcome"], REPEATED))
    return rows.select(TOLD_SCHEMA.names)


def read_all(source: VisitSource, query: VisitQuery, run_id: str) -> tuple[Counts, pa.Table]:
    """The same from a source that is opened for it, after a look at its contract."""
    with source.open(run_id=run_id) as reader:
        reader.check_contract()
        return read_with(reader, query)
