"""What Dagster's UI says of each asset besides its runs.

Owner, tags, pages of the documentation, columns and the version of the code are stated here for all assets.
"""

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

import pyarrow as pa
from dagster import AssetsDefinition, AssetSpec, TableColumn, TableColumnConstraints, TableSchema

from conflict_assets.assets.checks import FILLED_CONFLICT, FILLED_VISIT
from conflict_assets.domain.detection_result import CONFLICT_SCHEMA
from conflict_assets.domain.visits import VISIT_SCHEMA
from conflict_assets.store.column_comments import column_comments

OWNERS = ("team:conflicts",)
CODE_VERSION = version("conflict_assets")
"""The release. After an upgrade the UI marks what an earlier release has made, until the next night."""

_TAGS = {
    "active_visits": {"sensitivity": "phi"},
    "visit_conflicts": {"sensitivity": "phi"},
    "conflict_summary": {"sensitivity": "masked"},
}
"""Whether rows with SSNs and clients are behind the asset.

`phi` is the field's word for protected health information.
"""

_PAGES = {
    "active_visits": "docs/source.md, docs/rules.md, docs/checks.md",
    "visit_conflicts": "docs/rules.md, docs/columns.md, docs/checks.md",
    "conflict_summary": "docs/report.md, docs/operations.md",
}


def column_schema(schema: pa.Schema, filled: tuple[str, ...], table: str) -> TableSchema:
    """Return the columns of a frame with the comments on the store's table.

    Columns that are not `filled` may be empty.
    """
    comments = column_comments(table)
    return TableSchema(
        [
            TableColumn(
                each.name,
                type=str(each.type),
                description=comments[each.name],
                constraints=TableColumnConstraints(nullable=each.name not in filled),
            )
            for each in schema
        ]
    )


def _metadata(asset: str) -> Mapping[str, Any]:
    pages = {"docs": _PAGES[asset]}
    if asset == "active_visits":
        return pages | {"dagster/column_schema": column_schema(VISIT_SCHEMA, FILLED_VISIT, "conflict_visits")}
    if asset == "visit_conflicts":
        columns = column_schema(CONFLICT_SCHEMA, FILLED_CONFLICT, "visit_conflicts")
        return pages | {"dagster/column_schema": columns, "dagster/table_name": "visit_conflicts"}
    return pages


def described(assets: AssetsDefinition) -> AssetsDefinition:
    """Give the assets their owner, tags, pages, columns and the version of the code."""

    def with_facts(spec: AssetSpec) -> AssetSpec:
        asset = spec.key.to_user_string()
        known = spec.merge_attributes(owners=OWNERS, tags=_TAGS[asset], metadata=_metadata(asset))
        return known.replace_attributes(code_version=CODE_VERSION)

    return assets.map_asset_specs(with_facts)
