"""The store as a whole: its schema, its rights, the lists that people edit, and what is removed by age."""

from datetime import datetime

from conflict_assets.domain.normalization import normal_ssn, trimmed
from conflict_assets.domain.policy import DEFAULT_SPEED_BANDS, SpeedBand, check_speed_bands
from conflict_assets.partitions import all_prefixes
from conflict_assets.store import schema
from conflict_assets.store.connections_left import FreeConnections, free_connections
from conflict_assets.store.errors import StoreError
from conflict_assets.store.readiness import require_right_to_write
from conflict_assets.store.retention import Purged, Retention, purge_lists, purge_prefix, require_right_to_purge
from conflict_assets.store.roles import set_up_roles
from conflict_assets.store.row_types import Exclusions
from conflict_assets.store.session import StoreSession


class Administration:
    """What is done to the store as a whole."""

    def __init__(self, session: StoreSession, prefix_length: int) -> None:
        self._session = session
        self._prefix_length = prefix_length

    def prepare(self) -> None:
        """Bring the schema up to date and make the partitions.

        This costs one SELECT when all of it is done already.

        Raises:
            StoreError: the store was made with another prefix length. The message says the way out.
        """
        self._session.run(schema.prepare, self._session.url, self._prefix_length)

    def require_prepared(self) -> None:
        """Refuse a store that `prepare` would have to write to.

        Raises:
            StoreError: its schema is missing or not up to date, or it was made with another prefix length.
        """
        self._session.run(schema.require_prepared, self._prefix_length)

    def require_right_to_write(self) -> None:
        """Try what a night does to the store, and leave nothing.

        Raises:
            StoreError: the login may not make temporary tables, or lacks a right on a table.
        """
        self._session.roll_back(require_right_to_write)

    def set_up_roles(self) -> None:
        """Make the roles `conflicts_writer` and `conflicts_reader`, and give them their rights.

        Roles that exist already are not made again.
        """
        self._session.transact(set_up_roles)

    def free_connections(self) -> FreeConnections:
        """Return how many more connections this login gets, and what limits them."""
        return self._session.run(free_connections)

    def exclusions(self) -> Exclusions:
        """Return the agencies and caregivers that do not count, sorted.

        They have the form in which the visits' ids and SSNs are compared.
        """
        agencies = {trimmed(row[0]) for row in self._session.rows("SELECT provider_id FROM excluded_agencies")}
        ssns = {normal_ssn(row[0]) for row in self._session.rows("SELECT ssn FROM excluded_ssns")}
        return Exclusions(tuple(sorted(agencies)), tuple(sorted(ssns)))

    def speed_bands(self) -> tuple[SpeedBand, ...]:
        """Return the users' table of speeds by distance.

        Return the defaults when the users have emptied the table.

        Raises:
            StoreError: the table leaves a gap, overlaps, or has a speed of zero or less.
        """
        rows = self._session.rows("SELECT from_miles, to_miles, miles_per_hour FROM speed_bands")
        try:
            return check_speed_bands(rows) if rows else DEFAULT_SPEED_BANDS
        except ValueError as error:
            raise StoreError(
                f"The store's table of speed bands can't be used: {error}. Correct table speed_bands."
            ) from None

    def purge(self, keep: Retention, *, now: datetime) -> Purged:
        """Remove what is older than `keep` says, in a transaction for each prefix.

        Decisions and open conflicts stay.

        Raises:
            StoreError: the login may not delete. Nothing is removed.
        """
        self._session.run(require_right_to_purge)
        purged = self._session.transact(purge_lists, keep, now=now)
        for prefix in all_prefixes(self._prefix_length):
            purged += self._session.transact(purge_prefix, prefix, keep, now=now)
        return purged
