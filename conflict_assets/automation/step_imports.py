"""The modules that a step process needs, imported once by the forkserver.

No step process imports them again: a step that finds everything imported starts in 0.2 s instead of 2.8 s. They are
modules only. No connection is opened here, for all forked processes would share it. The module of the job itself is
preloaded beside them, by whoever knows it.
"""

import importlib
from contextlib import suppress

from conflict_assets.dagster_private.step_modules import step_modules

STEP_IMPORTS = (
    "alembic.command",
    "dagster_postgres",
    "fsspec.implementations.local",
    "pandas",  # pyarrow loads it where it first turns a list into an array
    "pgpq",
    "psycopg",
    "psycopg2",
    "pyarrow.acero",
    "pyarrow.parquet",
    "sqlalchemy.dialects.postgresql",
    "upath.core",
    "watchdog.observers.polling",
)


def import_all() -> None:
    """Import all of these modules.

    A module that a version of Dagster has moved is imported later, where it is needed.
    """
    for module in (*STEP_IMPORTS, *step_modules()):
        with suppress(ImportError):
            importlib.import_module(module)
