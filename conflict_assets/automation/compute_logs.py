"""The output of steps: Dagster's own files, and helpers that ignore Ctrl-C."""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster import Field, StringSource

from conflict_assets.dagster_private.names import (
    CapturedLogContext,
    ConfigurableClassData,
    LocalComputeLogManager,
    UserConfigSchema,
)

FOLDER = "storage"
"""The folder in Dagster's home where Dagster itself stores this output."""


class StepLogManager(LocalComputeLogManager):
    """Dagster's log manager, with helpers that ignore interrupts.

    Each step has four processes that repeat its output on the terminal. Ctrl-C would end each of them with a trace.
    They end with their step in any case.
    """

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """Return the schema of its configuration in dagster.yaml."""
        return {"home": Field(StringSource)}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "StepLogManager":
        """Make it from its configuration in dagster.yaml."""
        return cls(base_dir=str(Path(config_value["home"]) / FOLDER), inst_data=inst_data)

    @contextmanager
    def capture_logs(self, log_key: Sequence[str]) -> Iterator[CapturedLogContext]:
        """Capture what is printed in the block."""
        if threading.current_thread() is not threading.main_thread():
            with super().capture_logs(log_key) as captured:
                yield captured
            return
        handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            with super().capture_logs(log_key) as captured:
                signal.signal(signal.SIGINT, handler)
                yield captured
        finally:
            signal.signal(signal.SIGINT, handler)
