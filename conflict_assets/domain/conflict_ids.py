"""Names for conflicts that stay the same from run to run: of a pair, and of conflicts that hang together."""

from hashlib import sha256

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from conflict_assets.domain.columns.arrays import Ints

DIGEST_BYTES = 16
"""Half a SHA-256: 32 hex digits."""


def measure(texts: pa.Array) -> pa.Array:
    """Return each text as UTF-8 after its length in bytes and a colon, so that no two lists of texts run into one."""
    utf8 = texts.cast(pa.binary())
    return pc.binary_join_element_wise(pc.binary_length(utf8).cast(pa.string()).cast(pa.binary()), utf8, b":")


def digests(*measured: pa.Array) -> pa.Array:
    """Return the digest of each row of measured texts as hex: of a pair of visit ids, or of a group's smallest.

    The ids of a pair come in code-point order.
    """
    messages = pc.binary_join_element_wise(*measured, b"").to_pylist()
    whole = b"".join([sha256(message).digest() for message in messages])
    halves = np.frombuffer(whole, dtype=np.uint8).reshape(-1, sha256().digest_size)[:, :DIGEST_BYTES]
    offsets = np.arange(len(messages) + 1, dtype=np.int32) * (2 * DIGEST_BYTES)
    return pa.StringArray.from_buffers(
        len(messages), pa.py_buffer(offsets), pa.py_buffer(halves.tobytes().hex().encode())
    )


def lowest_connected(size: int, left: Ints, right: Ints) -> Ints:
    """Return, for each of `size` nodes, the lowest node that it hangs together with by the edges `left`-`right`.

    Each round hooks the higher root of every edge below the lower one and flattens the trees; few rounds do, and most
    components, which are single pairs, are done after the first.
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
