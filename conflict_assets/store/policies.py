"""The policies that runs judge by: each is written down once, and events name it by its number."""

from dataclasses import asdict
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from conflict_assets.domain.policy import DetectionPolicy
from conflict_assets.store import statements


def policy_id(connection: psycopg.Connection[Any], policy: DetectionPolicy) -> int:
    """Look a policy's number up, and give it one when no run has judged by it before; the caller's transaction."""
    values = {"policy": Jsonb(asdict(policy))}
    row = connection.execute(statements.POLICY_ID, values).fetchone()
    if row is None:
        # Another run may write it down in this moment: this waits for its end, and the number is looked up anew.
        connection.execute(statements.ADD_POLICY, values)
        row = connection.execute(statements.POLICY_ID, values).fetchone()
    if row is None:
        raise AssertionError("unreachable")
    return int(row[0])
