"""Every private name of Dagster that the package uses, each with the reason why it is needed.

The version is the oldest of Dagster 1.5, 1.7 and 1.9 to 1.13 that has the name at its place: "1.5" may be older.
"""

# What `config_type` of a class that dagster.yaml names returns. Since 1.5.
from dagster._config.config_schema import UserConfigSchema

# What ties a check to a materialization: nothing public makes one. Since 1.12.
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData

# What is raised when nobody answers for a code server. Since 1.5.
from dagster._core.errors import DagsterUserCodeUnreachableError

# How far a run's records were read: nothing public makes the cursor that `fetch_run_records` takes. Since 1.7.
from dagster._core.event_api import EventLogCursor

# An event's place in a batch (the methods for ops take none), and the plan of partitions that no tag names. Since 1.10.
from dagster._core.events import (
    ASSET_CHECK_EVENTS,
    ASSET_EVENTS,
    AssetMaterializationPlannedData,
    DagsterEventBatchMetadata,
    generate_event_batch_id,
)

# To be the worker of a run that the UI shows as launched: `execute_job` makes a run of its own. Since 1.5.
from dagster._core.execution.api import execute_run

# Backfills that have ended: nothing public lists them by status and age. Since 1.9.
from dagster._core.execution.backfill import BULK_ACTION_TERMINAL_STATUSES, BulkActionsFilter, PartitionBackfill

# What an event of a step is made from. Since 1.5.
from dagster._core.execution.context.system import StepExecutionContext

# Why a step failed, in the event of its failure. Since 1.5.
from dagster._core.execution.plan.objects import StepFailureData

# What the executor raises for a step whose process was killed. Since 1.5.
from dagster._core.executor.child_process_executor import ChildProcessCrashException

# Which classes dagster.yaml names. Since 1.5.
from dagster._core.instance.ref import InstanceRef

# What a launcher says of a run's worker to run monitoring, and what processes are compared with. Since 1.5.
from dagster._core.launcher.base import CheckRunHealthResult, WorkerStatus

# Where the UI, sensors and re-executions find the job of a run that this process made. Since 1.12.
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)

# A tick of a sensor or schedule, which the storage masks. Since 1.5.
from dagster._core.scheduler.instigation import InstigatorTick, TickData

# Whether a check has passed, in the table of check results. Since 1.5.
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecordStatus

# What a block that captures output is given. Since 1.9.
from dagster._core.storage.compute_log_manager import CapturedLogContext

# The configuration of a storage in PostgreSQL, in dagster.yaml. Since 1.5.
from dagster._core.storage.config import pg_config

# The statuses of runs that have not ended, for filters. Since 1.5.
from dagster._core.storage.dagster_run import IN_PROGRESS_RUN_STATUSES

# The tables of events, whose ids other tables name, and of check results. Since 1.5.
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable

# Whether events are in a database. Since 1.5.
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage

# Where SQLite keeps the events of a run: `delete_run` leaves the file. Since 1.5.
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

# The output of steps and ticks as files of this machine: the public base class stores nothing. Since 1.5.
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager

# The tables of backfills: nothing public removes one. Since 1.9.
from dagster._core.storage.runs.schema import BackfillTagsTable, BulkActionsTable

# Whether runs and backfills are in a database. Since 1.5.
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage

# The tag that says where a run's code server listens. Since 1.5.
from dagster._core.storage.tags import GRPC_INFO_TAG

# The module of the code location, as workspace.yaml names it. Since 1.5.
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

# The id of a run must be known before the run, since a tag of it holds it. Since 1.5.
from dagster._core.utils import make_new_run_id

# What a daemon reports of itself, which the storage masks. Since 1.5.
from dagster._daemon.types import DaemonHeartbeat

# The question to a code server whether it works on a run. Since 1.5.
from dagster._grpc.types import CanCancelExecutionRequest, CanCancelExecutionResult

# What dagster.yaml says of a class that it names, which the constructor takes. Since 1.5.
from dagster._serdes import ConfigurableClassData

# To copy one of Dagster's records with a field changed. Since 1.11.
from dagster_shared.record import replace

__all__ = [
    "ASSET_CHECK_EVENTS",
    "ASSET_EVENTS",
    "BULK_ACTION_TERMINAL_STATUSES",
    "CODE_SERVER_MODULE",
    "EXECUTOR_MODULE",
    "GRPC_INFO_TAG",
    "IN_PROGRESS_RUN_STATUSES",
    "STEP_MODULES",
    "AssetCheckEvaluationTargetMaterializationData",
    "AssetCheckExecutionRecordStatus",
    "AssetCheckExecutionsTable",
    "AssetMaterializationPlannedData",
    "BackfillTagsTable",
    "BulkActionsFilter",
    "BulkActionsTable",
    "CanCancelExecutionRequest",
    "CanCancelExecutionResult",
    "CapturedLogContext",
    "CheckRunHealthResult",
    "ChildProcessCrashException",
    "ConfigurableClassData",
    "DaemonHeartbeat",
    "DagsterEventBatchMetadata",
    "DagsterUserCodeUnreachableError",
    "EventLogCursor",
    "InstanceRef",
    "InstigatorTick",
    "LoadableTargetOrigin",
    "LocalComputeLogManager",
    "ManagedGrpcPythonEnvCodeLocationOrigin",
    "PartitionBackfill",
    "RemoteJobOrigin",
    "RemoteRepositoryOrigin",
    "SqlEventLogStorage",
    "SqlEventLogStorageTable",
    "SqlRunStorage",
    "SqliteEventLogStorage",
    "StepExecutionContext",
    "StepFailureData",
    "TickData",
    "UserConfigSchema",
    "WorkerStatus",
    "execute_run",
    "generate_event_batch_id",
    "make_new_run_id",
    "pg_config",
    "replace",
]

EXECUTOR_MODULE = "dagster._core.executor.multiprocess"
"""What Dagster has a forkserver import before all else, unless it is told to, since 1.5."""

CODE_SERVER_MODULE = "dagster._grpc.server"
"""What a code server has imported, with the class `DagsterApiServer`, since 1.5."""

STEP_MODULES = (
    "dagster._core.executor.child_process_executor",
    EXECUTOR_MODULE,
    "dagster._core.secrets.env_file",
    "dagster._core.storage.legacy_storage",
    "dagster._core.storage.local_compute_log_manager",
    "dagster._core.system_config.composite_descent",
    "dagster._core.workspace.autodiscovery",
)
"""What a step process imports by itself, and late, all since 1.5; one that has moved is imported by the step."""
