"""What steps print: Dagster's own files, followed by processes that no Ctrl-C reaches."""

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dagster import Field, StringSource

from conflict_assets.assets.dagster_private import (
    CapturedLogContext,
    ConfigurableClassData,
    LocalComputeLogManager,
    UserConfigSchema,
)

FOLDER = "storage"
"""In Dagster's home, where Dagster itself keeps them."""


class StepLogManager(LocalComputeLogManager):
    """Dagster's, whose helpers ignore interrupts.

    Each step has four processes that repeat its output on the terminal. Ctrl-C would end them with a trace each; they
    end with their step all the same.
    """

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """What dagster.yaml says of it."""
        return {"home": Field(StringSource)}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Any) -> "StepLogManager":
        """Make it as dagster.yaml says."""
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
