"""Dagster's daemon, but for how often it looks at backfills: every 30 seconds, for which there is no setting."""

from dagster._daemon import controller
from dagster._daemon.cli import main

LOOK_EVERY_SECONDS = 3

if __name__ == "__main__":
    controller.DEFAULT_DAEMON_INTERVAL_SECONDS = LOOK_EVERY_SECONDS
    main()
