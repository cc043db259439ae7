"""Names for conflicts that stay the same from run to run: of a pair, and of conflicts that hang together."""

from hashlib import sha256

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from conflict_assets.domain.arrays import Ints

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


def components(size: int, left: Ints, right: Ints) -> tuple[Ints, Ints]:
    """Find the connected components of `size` nodes under the edges `left`-`right`.

    Returns:
        The component of each node, and the lowest node of each component.
    """
    edges = coo_array((np.ones(len(left), dtype=np.bool_), (left, right)), shape=(size, size))
    labels: npt.NDArray[np.int32]
    _, labels = connected_components(edges, directed=False)
    _, lowest, component = np.unique(labels, return_index=True, return_inverse=True)
    return component, lowest
