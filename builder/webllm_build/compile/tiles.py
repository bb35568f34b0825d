"""Kernels in several tiles. Which one is the fastest depends on the GPU: the browser measures, or takes the vendor's default."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import astuple
from typing import TYPE_CHECKING, TypeVar

from tvm import IRModule
from tvm.tirx import PrimFunc

from webllm_build.compile.target import VENDORS

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

OTHER = "other"  # the vendor of every GPU that a table does not name
_LABEL, _OTHERS, _DEFAULTS = "webllm.tile", "webllm.other_tiles", "webllm.default_tiles"

T = TypeVar("T", bound="DataclassInstance")


def in_tiles(make: Callable[[T], PrimFunc], by_vendor: Mapping[str, T]) -> PrimFunc:
    """The kernel make(tile) in every tile of a table of defaults by vendor, which has an entry for OTHER.

    The result is the kernel in the tile of OTHER. It carries the rest as an attribute, which passes leave alone, to `tiles_of`.
    All must have the same parameters and differ in nothing but speed (and rounding). A tile is a dataclass of numbers.
    """
    assert set(by_vendor) <= {OTHER, *VENDORS}
    tiles = list(dict.fromkeys([by_vendor[OTHER], *by_vendor.values()]))
    first, *others = (make(tile).with_attr(_LABEL, "x".join(str(number) for number in astuple(tile))) for tile in tiles)
    defaults = {vendor: tiles.index(tile) for vendor, tile in by_vendor.items() if tile != tiles[0]}
    return first.with_attrs({_OTHERS: others, _DEFAULTS: defaults}) if others else first


def tiles_of(name: str, function: PrimFunc) -> tuple[dict[str, PrimFunc], dict[str, int]]:
    """What `in_tiles` put together: the function in each tile by a name that tells which, and the index of a vendor's default
    where that is not 0."""
    functions = [function, *function.attrs.get(_OTHERS, ())]
    defaults = {str(vendor): int(index) for vendor, index in function.attrs.get(_DEFAULTS, {}).items()}
    return {f"{name}_{tile.attrs[_LABEL]}" if _LABEL in tile.attrs else name: _alone(tile) for tile in functions}, defaults


def without_tiles(module: IRModule) -> IRModule:
    """The module with each kernel in one tile only: TVM cannot print functions that are attributes."""
    return IRModule({var: _alone(function) for var, function in module.functions.items()}, attrs=module.attrs)


def _alone(function: PrimFunc) -> PrimFunc:
    return function.without_attr(_OTHERS) if function.attrs and _OTHERS in function.attrs else function
