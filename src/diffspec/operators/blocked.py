"""A diffusion operator that stores no n x n array: every product computes the affinity again, tile by tile."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffspec._arrays import Array, as_float64, from_numpy, is_numpy, namespace, product
from diffspec.errors import TooLargeError
from diffspec.machine.threads import cores, parallel_map
from diffspec.operators.dense import Operator, rounding_is_harmless
from diffspec.operators.tiles import Tiles

__all__ = ["Blocked", "blocked_diffusion", "filled", "tile_size", "tiled_diffusion"]

# Larger tiles gain nothing: their matrix products already run at full speed, and they leave the caches.
LARGEST, SMALLEST = 4096, 16
# A tile, its transpose product and the copies that elementwise functions make.
TILE_COPIES = 3


@dataclass(frozen=True, slots=True, eq=False)
class Blocked(Operator):
    """The symmetric conjugate of the diffusion matrix of points, in tiles.

    Parameters
    ----------
    tiles : Tiles
        The affinity.
    weight : array (n,)
        float64; A_ij = weight_i G_ij weight_j.
    size : int
        Side of a tile.

    Notes
    -----
    A product with (n, k) vectors costs O(n^2 (d + k)) time and one tile per core of memory: only the upper half of the
    affinity is computed. Products inside a tile run in the precision of the tiles; the sums over tiles are float64.
    """

    tiles: Tiles
    weight: Array
    size: int

    @property
    def entry_error(self) -> float:
        """As of its tiles."""
        return self.tiles.entry_error

    @property
    def n(self) -> int:
        """Its order: the number of points."""
        return self.tiles.n

    @property
    def like(self) -> Array:
        """An array of the library, device and dtype of the tiles."""
        return self.tiles.like

    def matmul(self, vectors: Array) -> Array:
        """Its product with `vectors` of shape (n, k), float64; inside a tile as `Dense.matmul` says."""
        scale = self.weight[:, None]
        narrow = vectors.dtype == self.tiles.like.dtype or rounding_is_harmless(self)
        dtype = self.tiles.like.dtype if narrow else scale.dtype
        return scale * tiled_product(self.tiles, scale * as_float64(vectors), self.size, dtype=dtype)

    def dense(self) -> Array:
        """The operator as an (n, n) array: n^2 numbers, for tests and small n."""
        whole = as_float64(self.tiles(slice(0, self.n), slice(0, self.n)))
        whole *= self.weight[:, None]
        whole *= self.weight[None, :]
        return whole

    def trace(self) -> float:
        """The sum of its eigenvalues; O(n), since the affinity of a point with itself is 1."""
        return float(namespace(self.weight).sum(self.diagonal()))

    def frobenius2(self) -> float:
        """The sum of its squared eigenvalues; one pass over the tiles."""
        squared = self.weight * self.weight
        total = tiled_product(self.tiles, squared[:, None], self.size, transform=_square, dtype=squared.dtype)
        return float(namespace(squared).sum(squared * total[:, 0]))

    def diagonal(self) -> Array:
        """Its diagonal, shape (n,)."""
        return self.weight * self.weight

    def columns(self, indices: np.ndarray[Any, Any]) -> Array:
        """Its columns at the integers `indices`, shape (n, k), float64; O(n k d)."""
        xp = namespace(self.weight)
        where = from_numpy(indices, self.weight)
        return self.weight[:, None] * as_float64(self.tiles.columns(where)) * xp.take(self.weight, where)[None, :]


def blocked_diffusion(tiles: Tiles, alpha: float, memory: float) -> Blocked:
    """The operator of `tiles` with anisotropic normalisation `alpha`, within `memory` bytes for tiles.

    Two passes over the affinity (one for alpha = 0): the densities, then the degrees.

    Raises
    ------
    TooLargeError
        `memory` does not hold the smallest tile.
    """
    return tiled_diffusion(tiles, alpha, tile_size(tiles, memory))


def tiled_diffusion(tiles: Tiles, alpha: float, size: int) -> Blocked:
    """`blocked_diffusion` with tiles of side `size`."""
    xp = namespace(tiles.like)
    one = xp.ones((tiles.n, 1), dtype=xp.float64, device=tiles.like.device)
    density = tiled_product(tiles, one, size)
    inverse = density**-alpha
    degree = density if alpha == 0 else inverse * tiled_product(tiles, inverse, size)
    return Blocked(tiles, (inverse / xp.sqrt(degree))[:, 0], size)


def tile_size(tiles: Tiles, memory: float) -> int:
    """The side of the largest useful tile, so that all cores' tiles together fit into `memory` bytes."""
    item = namespace(tiles.like).finfo(tiles.like.dtype).bits // 8
    per_element = item * TILE_COPIES * (cores() if is_numpy(tiles.like) else 1)
    size = min(LARGEST, tiles.n, math.isqrt(max(0, int(memory / per_element))))
    if size < min(SMALLEST, tiles.n):
        raise TooLargeError(
            f"memory={memory:.0f} bytes does not hold a tile of the affinity, which needs "
            f"{per_element * SMALLEST**2}; give more memory"
        )
    # Equal tiles: a last sliver would waste a pass's worth of overhead.
    return math.ceil(tiles.n / math.ceil(tiles.n / size))


def tiled_product(
    tiles: Tiles,
    vectors: Array,
    size: int,
    *,
    transform: Callable[[Array], Array] = lambda tile: tile,
    dtype: Any = None,
) -> Array:
    """The product of the affinity, or of `transform` of it entry by entry, with float64 `vectors` (n, k), in float64.

    Each tile above the diagonal serves twice, for its rows and, transposed, for its columns; products inside a tile run
    in `dtype`, by default that of the tiles.
    """
    xp = namespace(vectors)
    dtype = tiles.like.dtype if dtype is None else dtype
    low = xp.astype(vectors, dtype, copy=False)

    def share(blocks: list[tuple[slice, slice]]) -> Array:
        out = xp.zeros_like(vectors)
        for rows, columns in blocks:
            tile = transform(xp.astype(tiles(rows, columns), dtype, copy=False))
            out[rows, :] += xp.astype(product(tile, low[columns, :]), out.dtype)
            if rows != columns:
                out[columns, :] += xp.astype(product(tile.T, low[rows, :]), out.dtype)
            del tile  # before the next is made
        return out

    blocks = list(_upper_blocks(tiles.n, size))
    if not is_numpy(vectors) or len(blocks) == 1:
        return share(blocks)
    workers = min(cores(), len(blocks))
    return sum(parallel_map(share, [blocks[k::workers] for k in range(workers)]), start=xp.zeros_like(vectors))


def filled(tiles: Tiles) -> Array:
    """The whole affinity, (n, n) in the precision of the tiles; O(n^2 d), one half computed."""
    xp = namespace(tiles.like)
    size = 256 if tiles.n <= 2048 else 512  # of few points more than half would be computed in larger tiles
    out = xp.empty((tiles.n, tiles.n), dtype=tiles.like.dtype, device=tiles.like.device)

    def fill(block: tuple[slice, slice]) -> None:
        rows, columns = block
        tile = tiles(rows, columns)
        out[rows, columns] = tile
        out[columns, rows] = tile.T

    if is_numpy(out):
        parallel_map(fill, _upper_blocks(tiles.n, size))
    else:
        for block in _upper_blocks(tiles.n, size):
            fill(block)
    return out


def _upper_blocks(n: int, size: int) -> Iterator[tuple[slice, slice]]:
    """The tiles on and above the diagonal."""
    ranges = [slice(start, min(start + size, n)) for start in range(0, n, size)]
    for k, rows in enumerate(ranges):
        for columns in ranges[k:]:
            yield rows, columns


def _square(tile: Array) -> Array:
    """The squares of the entries of a `tile`, which is overwritten where it can be."""
    return np.multiply(tile, tile, out=tile) if is_numpy(tile) else tile * tile
