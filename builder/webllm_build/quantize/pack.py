"""Which scheme a weight gets, and its packing from checkpoint tensors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from webllm_build.errors import MalformedFile, UnsupportedArchitecture
from webllm_build.quantize.integers import EIGHT_BITS, FOUR_BITS, integers
from webllm_build.quantize.mxfp4 import MXFP4
from webllm_build.quantize.parts import Part
from webllm_build.quantize.plain import F16, F32
from webllm_build.quantize.q4 import Q4
from webllm_build.quantize.q4_k import as_q4_1
from webllm_build.quantize.q4a import Q4A
from webllm_build.quantize.q8 import Q8
from webllm_build.quantize.scheme import GROUP, Importance, Packed, Rows, Scheme
from webllm_build.source.checkpoint import Checkpoint, Tensor, decode_rows
from webllm_build.threads import in_parallel

if TYPE_CHECKING:
    from webllm_build.model.weights import Weight

LINEAR_SCHEMES = (Q4, Q4A, Q8, MXFP4, F16)
SCHEMES: Mapping[str, Scheme] = MappingProxyType({scheme.name: scheme for scheme in (*LINEAR_SCHEMES, F32)})

# "auto": the smallest scheme that adds little to what an encoding has lost already (LOSSES of loss.py), by its name's start.
# Codebooks of 16 values that are not evenly spaced (iq4, nvfp4) are held by 8 bits.
_KEEPS = (
    *(("q1_0", Q4), ("q4_0", Q4), ("q4", Q4A), ("q2", Q4A), ("q3", Q4), ("q", Q8)),
    *(("iq4", Q8), ("iq1", Q4), ("iq", Q4A), ("tq", Q4), ("mxfp4", MXFP4), ("nvfp4", Q8)),
)
_INTEGERS = {Q4: FOUR_BITS, Q8: EIGHT_BITS}  # whose codes and scales are taken as they are

_CHUNK_VALUES = 1 << 18  # values encoded at a time: their temporaries stay in the cache
_CHUNK_ROWS = 8  # of which a chunk has a multiple: it begins at a whole word of every buffer


def choose_scheme(weight: Weight, checkpoint: Checkpoint, requested: str) -> Scheme:
    """The scheme of one weight. `requested`: "auto", or the name of a linear scheme, which every linear weight but exact ones then gets.

    "auto" keeps quantized checkpoints as they are (sources that differ meet in q8) and makes others q4, but q8 for the
    embedding and the output head, and in embedding models, where errors weigh most.
    """
    if weight.kind == "vector" or requested != "auto":
        return scheme_of_floats(weight, requested)
    kept = {_kept(tensor.encoding) for tensor in weight.tensors(checkpoint)}
    if kept == {None}:
        return scheme_of_floats(weight, requested)
    scheme = kept.pop()
    return Q8 if kept or scheme is None else scheme


def scheme_of_floats(weight: Weight, requested: str) -> Scheme:
    """As choose_scheme, of a weight that is stored as floats, whatever checkpoint it may come from."""
    if weight.kind == "vector":
        return F32
    if weight.precision == "exact":
        return F16
    if requested != "auto":
        return SCHEMES[requested]
    return Q8 if weight.precision == "table" else Q4


def is_repacked(encoding: str, scheme: Scheme) -> bool:
    """Whether rows keep their codes, so that nothing is searched for them."""
    return encoding == scheme.encoding or (encoding, scheme) == ("q4_k", Q4A) or encoding in _INTEGERS.get(scheme, ())


def is_quantized(encoding: str) -> bool:
    """Whether a checkpoint stores fewer bits than floats have."""
    return _kept(encoding) is not None


def _kept(encoding: str) -> Scheme | None:
    return next((scheme for start, scheme in _KEEPS if encoding.startswith(start)), None)


def pack_weight(weight: Weight, checkpoint: Checkpoint, scheme: Scheme, importance: Importance | None = None) -> tuple[Packed, ...]:
    """As pack_part, of the whole weight."""
    rows, columns = (*weight.shape, 1)[:2]
    return pack_part(Part(weight.name, scheme, 0, rows, columns), weight, checkpoint, importance)


def pack_part(part: Part, weight: Weight, checkpoint: Checkpoint, importance: Importance | None = None) -> tuple[Packed, ...]:
    """The GPU buffers of some rows of a weight, in the order of scheme.buffers, named `<part>.<suffix>`.

    Rows that the checkpoint holds in the scheme's encoding are repacked without loss; others are decoded, and encoded with the least
    error where columns have that importance. A few rows at a time are in memory beside the result.
    Raises UnsupportedArchitecture for a row length that blocks do not divide, MalformedFile for values that no scheme can hold and
    for tensors that are not there or have another shape.
    """
    tensors = weight.tensors(checkpoint)
    specs = part.buffers
    if weight.kind == "vector":
        for tensor in tensors:
            if not np.isfinite(tensor.dequantize()).all():
                raise _not_finite(tensor)
        return (Packed(f"{part.name}.{specs[0].suffix}", specs[0].dtype, specs[0].shape, weight.values(checkpoint).reshape(-1)),)
    if part.columns % GROUP:
        raise UnsupportedArchitecture(
            f"weight {weight.name} has rows of {part.columns} values, which is not a multiple of {GROUP}",
            f"Weights are quantized in groups of {GROUP} along a row; this model cannot be built.",
        )
    origins = weight.origins(tensors)[part.first : part.first + part.rows]
    buffers = [np.empty(spec.nbytes, np.uint8) for spec in specs]

    def fill(first: int, end: int) -> None:
        arrays = part.scheme.pack(_gather(tensors, origins[first:end], part.scheme, importance), part.columns)
        if not part.scheme.is_finite(arrays[-1]):
            with np.errstate(invalid="ignore"):
                raise _not_finite(next((tensor for tensor in tensors if not np.isfinite(tensor.dequantize()).all()), tensors[0]))
        for buffer, before, array in zip(buffers, part.scheme.buffers(first, part.columns), arrays, strict=True):
            buffer[before.nbytes : before.nbytes + array.nbytes] = np.ascontiguousarray(array).reshape(-1).view(np.uint8)

    step = max(1, _CHUNK_VALUES // part.columns // _CHUNK_ROWS) * _CHUNK_ROWS
    in_parallel(lambda first: fill(first, min(first + step, part.rows)), range(0, part.rows, step))
    return tuple(
        Packed(f"{part.name}.{spec.suffix}", spec.dtype, spec.shape, spec.array(data)) for spec, data in zip(specs, buffers, strict=True)
    )


def _gather(tensors: Sequence[Tensor], origins: npt.NDArray[np.int64], scheme: Scheme, importance: Importance | None) -> Rows:
    """Rows in the scheme's encoding, by their numbers where the tensors stand one below the other."""
    first, parts = 0, []
    for tensor in tensors:
        of_tensor = np.flatnonzero((origins >= first) & (origins < first + tensor.shape[0]))
        if of_tensor.size:
            wanted = origins[of_tensor] - first
            parts.append((of_tensor, _encoded(tensor, tensor.taken(wanted).rows(0, len(wanted)), scheme, importance)))
        first += tensor.shape[0]
    rows = np.empty((len(origins), parts[0][1].shape[1]), np.uint8)
    for places, encoded in parts:
        rows[places] = encoded
    return rows


def _encoded(tensor: Tensor, raw: Rows, scheme: Scheme, importance: Importance | None) -> Rows:
    """Rows of the tensor in the scheme's encoding."""
    if tensor.encoding == scheme.encoding:
        return raw
    if is_repacked(tensor.encoding, scheme):
        return _checked(tensor, lambda: as_q4_1(raw) if scheme is Q4A else _integers(tensor, raw, scheme))
    return _encode(tensor, raw, scheme, importance)


def _integers(tensor: Tensor, raw: Rows, scheme: Scheme) -> Rows:
    with np.errstate(invalid="ignore"):  # scales that are not finite are told when they are packed
        scales, codes = integers(raw, decode_rows(raw, tensor.encoding, tensor.name), tensor.encoding)
    return (Q4 if scheme is Q4 else Q8).join(scales, codes).reshape(len(raw), -1)


def _encode(tensor: Tensor, raw: Rows, scheme: Scheme, importance: Importance | None) -> Rows:
    values = decode_rows(raw, tensor.encoding, tensor.name)
    if not np.isfinite(values).all():
        raise _not_finite(tensor)
    return _checked(tensor, lambda: scheme.encode(values, importance))


def _checked(tensor: Tensor, encode: Callable[[], Rows]) -> Rows:
    try:
        return encode()
    except OverflowError as error:
        raise MalformedFile(f"tensor {tensor.name}: {error}", "A language model's weights are far smaller: the file is broken.") from error


def _not_finite(tensor: Tensor) -> MalformedFile:
    return MalformedFile(f"tensor {tensor.name} holds infinities or NaNs", "The file is broken: download or convert the model again.")
