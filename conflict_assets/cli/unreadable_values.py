"""Values of the store that no reader can read, named on the terminal."""

from collections.abc import Sequence

from rich.console import Console

from conflict_assets.store.conflict_lookup import StoredConflict

out = Console(highlight=False, soft_wrap=True)


def say_unreadable(conflicts: Sequence[StoredConflict]) -> None:
    """Print a line for each column of these conflicts that is left out."""
    for each in conflicts:
        for column in each.unreadable:
            out.print(f"pair {each.pair_id}: {column} of the store can't be read, and is left out", markup=False)
