"""Names for conflicts that stay the same from run to run: of a pair, and of conflicts that hang together."""

from hashlib import sha256

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from conflict_assets.domain.arrays import Ints

DIGEST_BYTES = 16
"""Half a SHA-256: 32 hex digits."""


def pair_ids(first: pa.Array, second: pa.Array) -> pa.Array:
    """Return the digests of pairs of visit ids, the smaller of each pair (in code-point order) in `first`."""
    return _hex(b"".join([_digest(a + b) for a, b in zip(_measured(first), _measured(second), strict=True)]))


def group_ids(smallest: pa.Array) -> pa.Array:
    """Return the digests of components by their smallest visit ids."""
    return _hex(b"".join([_digest(piece) for piece in _measured(smallest)]))


def _measured(texts: pa.Array) -> list[bytes]:
    """Return each text as UTF-8 after its length in bytes and a colon, so that no two lists of texts run into one."""
    return [b"%d:%b" % (len(text), text) for text in texts.cast(pa.binary()).to_pylist()]


def _digest(message: bytes) -> bytes:
    return sha256(message, usedforsecurity=False).digest()[:DIGEST_BYTES]


def _hex(digests: bytes) -> pa.Array:
    digits = 2 * DIGEST_BYTES
    count = len(digests) // DIGEST_BYTES
    offsets = np.arange(count + 1, dtype=np.int32) * digits
    return pa.StringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(digests.hex().encode()))


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
