"""The parts of an instance that dagster.yaml names: what their classes are made of."""

# What `config_type` of such a class returns. Since 1.5.
from dagster._config.config_schema import UserConfigSchema

# A tick of a sensor or schedule, which the storage masks. Since 1.5.
from dagster._core.scheduler.instigation import InstigatorTick, TickData

# What a block that captures output is given. Since 1.9.
from dagster._core.storage.compute_log_manager import CapturedLogContext

# The configuration of a storage in PostgreSQL, in dagster.yaml. Since 1.5.
from dagster._core.storage.config import pg_config

# The output of steps as files: the public base class stores nothing. Since 1.5.
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager

# What a daemon reports of itself, which the storage masks. Since 1.5.
from dagster._daemon.types import DaemonHeartbeat

# What dagster.yaml says of such a class, which its constructor takes. Since 1.5.
from dagster._serdes import ConfigurableClassData

__all__ = [
    "CapturedLogContext",
    "ConfigurableClassData",
    "DaemonHeartbeat",
    "InstigatorTick",
    "LocalComputeLogManager",
    "TickData",
    "UserConfigSchema",
    "pg_config",
]
