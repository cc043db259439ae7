"""A source read as a run reads it: the survey, the rows that it leads to, and the counts that both give."""

import pyarrow as pa

from conflict_assets.source.protocol import ROW_SCHEMA, VisitQuery, VisitReader, VisitSource
from conflict_assets.source.survey import Prefix, Survey, SurveyedCounts

Counts = dict[Prefix, dict[str, int]]

NO_SURVEY = Survey(visits={})


def read_with(reader: VisitReader, query: VisitQuery) -> tuple[Counts, pa.Table]:
    """Counts by prefix, and all rows that travel."""
    survey = reader.survey(query)
    tally = SurveyedCounts(survey)
    rows = pa.Table.from_batches(list(tally.watch(reader.read_visits(query, survey))), schema=ROW_SCHEMA)
    return tally.counts(), rows.combine_chunks()


def read_all(source: VisitSource, query: VisitQuery, run_id: str) -> tuple[Counts, pa.Table]:
    """The same from a source that is opened for it, after a look at its contract."""
    with source.open(run_id=run_id) as reader:
        reader.check_contract()
        return read_with(reader, query)
