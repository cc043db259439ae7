"""Where the views of a warehouse are, and how they differ from the usual."""

from dataclasses import dataclass, field
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlglot import exp

from conflict_assets.configuration.setting_values import LONGEST_NAME
from conflict_assets.source.protocol import SourceError

FACT = "FACTVISITCALLPERFORMANCE_CR"
STATUS_COLUMN = "Visit Status"
MAX_IDENTIFIER = LONGEST_NAME


@dataclass(frozen=True, kw_only=True)
class SourceLayout:
    """Where the views are, and how they differ from the usual.

    They may differ in names, in their zone and in columns without a zone. `zoneless` holds (view, column) of timestamps
    that are stored without a time zone, and which are read in `time_zone`. `ssn_is_number` says that SSNs are stored as
    numbers, which have lost the zeros that they begin with.
    """

    schema: str
    database: str | None = None
    time_zone: str = "America/New_York"
    status_column: str | None = STATUS_COLUMN
    zoneless: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    ssn_is_number: bool = False

    @property
    def zone(self) -> ZoneInfo:
        """The agencies' zone.

        Raises:
            SourceError: nobody knows a zone of this name.
        """
        try:
            return ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise SourceError(
                f"SOURCE_TIME_ZONE is {self.time_zone!r}; allowed: a time zone such as America/New_York."
            ) from None


def identifier(name: str, *, setting: str) -> exp.Identifier:
    """Quote a name that a setting gives.

    A plain name means what it means unquoted, which is the name in Snowflake's capitals.

    Raises:
        SourceError: the name is empty, too long or holds a character that no name has.
    """
    if not name.strip() or len(name) > MAX_IDENTIFIER or not name.isprintable():
        raise SourceError(
            f"{setting} is {name!r}; allowed: a name of 1 to {MAX_IDENTIFIER} printable characters. Mend the setting."
        )
    plain = not exp.to_identifier(name).quoted
    return exp.to_identifier(name.upper() if plain else name, quoted=True)


def qualify_views(tree: exp.Expr, layout: SourceLayout) -> None:
    """Say of each view in which schema and database it is."""
    schema = identifier(layout.schema, setting="the schema")
    database = identifier(layout.database, setting="the database") if layout.database else None
    own = {cte.alias for cte in tree.find_all(exp.CTE)}
    for table in list(tree.find_all(exp.Table)):
        if isinstance(table.this, exp.Identifier) and table.name not in own:
            table.set("this", exp.to_identifier(table.name, quoted=True))
            table.set("db", schema.copy())
            table.set("catalog", database.copy() if database else None)


def name_status(tree: exp.Expr, status_column: str | None) -> None:
    """Give the status column its name in this schema.

    Where there is none, every status is missing.
    """
    for column in list(tree.find_all(exp.Column)):
        if column.name == STATUS_COLUMN:
            if status_column is None:
                column.replace(exp.cast(exp.null(), exp.DataType.Type.VARCHAR))
            else:
                identifier(status_column, setting="VISIT_STATUS_COLUMN")
                column.set("this", exp.to_identifier(status_column, quoted=True))
