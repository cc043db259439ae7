"""Names of pairs and groups that stay the same between runs.

A group is a set of conflicts that are connected through their visits.
"""

from hashlib import sha256

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from conflict_assets.domain.columns.arrays import Ints

DIGEST_BYTES = 16
DIGEST_DIGITS = 2 * DIGEST_BYTES
"""Half a SHA-256, and its hex digits."""


def measure(texts: pa.Array) -> pa.Array:
    """Return each text as UTF-8 after its byte length and a colon.

    So two different lists of texts never give the same bytes.
    """
    utf8 = texts.cast(pa.binary())
    return pc.binary_join_element_wise(pc.binary_length(utf8).cast(pa.string()).cast(pa.binary()), utf8, b":")


def digests(*measured: pa.Array) -> pa.Array:
    """Return the digest of each row of measured texts as hex.

    A row holds the two visit ids of a pair in code-point order, or the smallest visit id of a group.
    """
    messages = pc.binary_join_element_wise(*measured, b"").to_pylist()
    halves = b"".join([_digest(message) for message in messages])
    offsets = np.arange(len(messages) + 1, dtype=np.int32) * DIGEST_DIGITS
    return pa.StringArray.from_buffers(len(messages), pa.py_buffer(offsets), pa.py_buffer(halves.hex().encode()))


def pair_id(visit_id: str, con_visit_id: str) -> str:
    """Return the name of the pair of two visits, in either order.

    It is what `digests` gives for a row of the two.
    """
    utf8 = sorted((visit_id.encode(), con_visit_id.encode()))
    return _digest(b"".join(b"%d:%b" % (len(each), each) for each in utf8)).hex()


def _digest(message: bytes) -> bytes:
    return sha256(message, usedforsecurity=False).digest()[:DIGEST_BYTES]


def lowest_connected(size: int, left: Ints, right: Ints) -> Ints:
    """Return the lowest node that each node is connected to.

    There are `size` nodes, and `left` and `right` hold the two ends of each edge.

    Each round hooks the higher root of every edge below the lower one and flattens the trees. Few rounds are needed,
    and most components, which are single pairs, are done after the first.
    """
    lowest = np.arange(size)
    while True:
        left, right = lowest[left], lowest[right]
        apart = left != right
        left, right = left[apart], right[apart]
        if len(left) == 0:
            return lowest
        np.minimum.at(lowest, np.maximum(left, right), np.minimum(left, right))
        while (lowest != (above := lowest[lowest])).any():
            lowest = above
