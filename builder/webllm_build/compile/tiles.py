"""Kernels in several tiles. Which one is the fastest depends on the GPU: the browser measures, or takes the vendor's default."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, TypeVar

from tvm.tirx import PrimFunc

from webllm_build.compile.target import VENDORS

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

OTHER = "other"  # the vendor of every GPU that a table does not name

AnyTile = TypeVar("AnyTile", bound="DataclassInstance")


@dataclass(frozen=True, eq=False)
class TiledKernel:
    """A kernel in each of its tiles, by a label that says which. All have the same parameters and differ in nothing but speed (and
    rounding). defaults: the index of a vendor's default where that is not 0."""

    functions: Mapping[str, PrimFunc]
    defaults: Mapping[str, int]

    @property
    def first(self) -> PrimFunc:
        """What stands for the kernel in a module: the tile of OTHER."""
        return next(iter(self.functions.values()))

    def named(self, name: str) -> dict[str, PrimFunc]:
        """The functions of a kernel of this name, by names that tell their tiles."""
        return {f"{name}_{label}": function for label, function in self.functions.items()}


def in_tiles(make: Callable[[AnyTile], PrimFunc], by_vendor: Mapping[str, AnyTile]) -> TiledKernel:
    """The kernel make(tile) in every tile of a table of defaults by vendor, which has an entry for OTHER. A tile is a dataclass of
    numbers."""
    assert set(by_vendor) <= {OTHER, *VENDORS}
    tiles = list(dict.fromkeys([by_vendor[OTHER], *by_vendor.values()]))
    functions = {"x".join(str(number) for number in astuple(tile)): make(tile) for tile in tiles}
    return TiledKernel(functions, {vendor: tiles.index(tile) for vendor, tile in by_vendor.items() if tile != tiles[0]})
