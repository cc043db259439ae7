"""The policies that runs judge by.

Each policy is stored once, and events refer to it by its number.
"""

from dataclasses import asdict
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from conflict_assets.domain.policy import DetectionPolicy
from conflict_assets.store import replace_statements as statements


def policy_id(connection: psycopg.Connection[Any], policy: DetectionPolicy) -> int:
    """Return a policy's number.

    A policy by which no run has judged before gets a number. The caller owns the transaction.
    """
    values = {"policy": Jsonb(asdict(policy))}
    row = connection.execute(statements.POLICY_ID, values).fetchone()
    if row is None:
        # Another run may store the policy at this moment. The INSERT waits for its end, so look up the number again.
        connection.execute(statements.ADD_POLICY, values)
        row = connection.execute(statements.POLICY_ID, values).fetchone()
    if row is None:
        raise AssertionError("unreachable")
    return int(row[0])
