"""Encodings and GPU layouts, against the gguf package's reference decoders."""

from typing import Any

import gguf
import numpy as np
import numpy.typing as npt
import pytest
from gguf import GGMLQuantizationType

import cut_model
from webllm_build.quantize import GROUP, SCHEMES, Scheme

Values = npt.NDArray[np.float32]
Arrays = tuple[npt.NDArray[Any], ...]
BLOCKS = [SCHEMES[name] for name in ("q4", "q4a", "q8", "mxfp4")]


def reference(raw: npt.NDArray[np.uint8], encoding: str) -> Values:
    """What ggml's encoding means."""
    values: Values = gguf.dequantize(raw, GGMLQuantizationType[encoding.upper()])
    return values


def random_rows(encoding: str, n: int, k: int, seed: int = 0) -> npt.NDArray[np.uint8]:
    """Rows of random blocks: any code, any finite float16 scale, subnormal and negative ones too."""
    kind = GGMLQuantizationType[encoding.upper()]
    _, block_bytes = gguf.GGML_QUANT_SIZES[kind]
    rng = np.random.default_rng(seed)
    raw = rng.integers(0, 256, (n * k // GROUP, block_bytes), dtype=np.uint8)
    halves = 2 if encoding == "q4_1" else 1
    scales = rng.integers(0, 1 << 16, (len(raw), halves), dtype=np.uint16)
    scales[scales & 0x7C00 == 0x7C00] &= 0x83FF  # infinities and NaNs become subnormal
    raw[:, : 2 * halves] = scales.view(np.uint8)
    return raw.reshape(n, -1)


@pytest.mark.parametrize("scheme", BLOCKS, ids=lambda scheme: scheme.name)
@pytest.mark.parametrize(("n", "k"), [(1, 32), (3, 96), (7, 576), (130, 64)])
def test_repacking_keeps_every_bit(scheme: Scheme, n: int, k: int) -> None:
    raw = random_rows(scheme.encoding, n, k)
    decoded = scheme.decode(scheme.pack(raw, k), n, k)
    assert decoded.tobytes() == reference(raw, scheme.encoding).tobytes()


@pytest.fixture(scope="module")
def smollm2() -> gguf.GGUFReader:
    return gguf.GGUFReader(cut_model.smollm2())


@pytest.mark.parametrize(
    ("name", "scheme"), [("blk.0.ffn_down.weight", "q4a"), ("blk.29.attn_q.weight", "q4a"), ("token_embd.weight", "q8")]
)
def test_repacking_keeps_every_bit_of_a_real_model(smollm2: gguf.GGUFReader, name: str, scheme: str) -> None:
    tensor = next(tensor for tensor in smollm2.tensors if tensor.name == name)
    raw = np.asarray(tensor.data)[:4096]
    k = int(tensor.shape[0])
    assert tensor.tensor_type.name.lower() == SCHEMES[scheme].encoding
    decoded = SCHEMES[scheme].decode(SCHEMES[scheme].pack(raw, k), len(raw), k)
    assert decoded.tobytes() == gguf.dequantize(raw, tensor.tensor_type).tobytes()


def nibble(arrays: Arrays, block: int, element: int) -> int:
    """The layout of q4 and q4a as it is defined: word j, byte i holds element 8j+i low and 8j+4+i high."""
    j, rest = divmod(element, 8)
    high, i = divmod(rest, 4)
    word = int(arrays[0].reshape(-1, 4)[block, j])
    return word >> (8 * i) >> (4 * high) & 15


def half(word: int, index: int) -> np.float32:
    bits = np.array(word >> (16 * index) & 0xFFFF, np.uint16)
    return np.float32(bits.view(np.float16))


def expected_value(scheme: str, arrays: Arrays, block: int, element: int) -> np.float32:
    """One weight, read from the GPU buffers by the layout's definition."""
    words = arrays[1].reshape(-1)
    if scheme == "mxfp4":
        scale = np.ldexp(np.float32(1), (int(words[block // 4]) >> 8 * (block % 4) & 255) - 127)
        code = nibble(arrays, block, element)
        votes = (code & 1) + (~code >> 1 & 1) + (~code >> 3 & 1)
        return np.float32((code + (13 if votes > 1 else 0) - 14) / 2 * float(scale))
    if scheme == "q4a":
        word = int(words[block])
        return np.float32(nibble(arrays, block, element)) * half(word, 0) + half(word, 1)
    scale = half(int(words[block // 2]), block % 2)
    if scheme == "q4":
        return np.float32(nibble(arrays, block, element) - 8) * scale
    byte = int(arrays[0].reshape(-1)[block * 8 + element // 4]) >> (8 * (element % 4)) & 255
    return np.float32(byte - 256 if byte > 127 else byte) * scale


@pytest.mark.parametrize("scheme", BLOCKS, ids=lambda scheme: scheme.name)
def test_buffers_have_the_documented_layout(scheme: Scheme) -> None:
    n, k = 3, 96  # nine blocks: the last word of scales is half used
    raw = random_rows(scheme.encoding, n, k, seed=1)
    arrays = scheme.pack(raw, k)
    values = reference(raw, scheme.encoding).reshape(-1, GROUP)
    for block in range(len(values)):
        for element in range(GROUP):
            assert expected_value(scheme.name, arrays, block, element) == values[block, element]


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=lambda scheme: scheme.name)
@pytest.mark.parametrize(("n", "k"), [(3, 96), (4, 64)])
def test_buffers_have_the_declared_size(scheme: Scheme, n: int, k: int) -> None:
    arrays = scheme.pack(scheme.encode(np.ones((n, k), np.float32)), k)
    specs = scheme.buffers(n, k)
    assert [array.nbytes for array in arrays] == [spec.nbytes for spec in specs]
    assert all(array.dtype.itemsize == 4 for array in arrays)
    padding = {"q4": n * k // GROUP % 2 * 2, "q8": n * k // GROUP % 2 * 2, "mxfp4": -(n * k // GROUP) % 4}.get(scheme.name, 0)
    assert sum(spec.nbytes for spec in specs) == scheme.bits * n * k / 8 + padding


# Root of the mean squared error relative to the values', for normally distributed weights. ggml's own encoders reach
# 0.0861 (Q4_0), 0.0783 (Q4_1) and 0.00536 (Q8_0).
@pytest.mark.parametrize(("scheme", "bound"), [("q4", 0.0816), ("q4a", 0.07), ("q8", 0.005), ("mxfp4", 0.12), ("f16", 0.0003), ("f32", 0)])
@pytest.mark.parametrize("scale", [0.02, 300.0])
def test_encoding_error(scheme: str, bound: float, scale: float) -> None:
    values = (np.random.default_rng(0).standard_normal((64, 1024)) * scale).astype(np.float32)
    decoded = round_trip(SCHEMES[scheme], values)
    assert np.sqrt(((decoded - values) ** 2).mean() / (values**2).mean()) <= bound


@pytest.mark.parametrize("scheme", BLOCKS, ids=lambda scheme: scheme.name)
def test_no_block_is_worse_than_its_own_zeros(scheme: Scheme) -> None:
    """Lopsided blocks (a single outlier, all positive, ...) keep most of their energy."""
    rng = np.random.default_rng(0)
    values = np.abs(rng.standard_normal((6, 64))).astype(np.float32)
    values[1] *= -1
    values[2, 5] = 100
    values[3, 40] = -100
    values[4] = 0.25
    values[5, ::2] = 0
    error = ((round_trip(scheme, values) - values) ** 2).sum(1)
    assert (error <= 0.1 * (values**2).sum(1)).all()


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=lambda scheme: scheme.name)
def test_zeros_stay_zeros(scheme: Scheme) -> None:
    assert not round_trip(scheme, np.zeros((2, 64), np.float32)).any()


@pytest.mark.parametrize("scheme", BLOCKS, ids=lambda scheme: scheme.name)
@pytest.mark.parametrize("size", [1e-6, 1e-7, 1e-8, 1e-30, 1e-44])
def test_tiny_weights_stay_tiny(scheme: Scheme, size: float) -> None:
    """Scales that are subnormal in float16, or vanish: no NaN, and an error of a float16 step or the weight's own size."""
    values = (np.random.default_rng(0).standard_normal((2, 64)) * size).astype(np.float32)
    decoded = round_trip(scheme, values)
    assert np.isfinite(decoded).all()
    smallest_scale = 2.0**-24
    assert np.abs(decoded - values).max() <= max(np.abs(values).max() * 0.25, 8 * smallest_scale)


@pytest.mark.parametrize("scheme", [SCHEMES[name] for name in ("q4", "q4a", "q8", "f16")], ids=lambda scheme: scheme.name)
def test_scales_beyond_float16_are_refused(scheme: Scheme) -> None:
    values = np.full((1, 32), 1e9, np.float32)
    values[0, 0] = -1e9
    with pytest.raises(OverflowError, match="65504"):
        scheme.encode(values)


def test_the_largest_of_a_block_may_be_nearer_to_a_larger_scale() -> None:
    """E2M1 has 6, and 8 with twice the scale."""
    values = np.array([[6.5] * 32, [7.5] * 32, [-7.5] * 32], np.float32)
    np.testing.assert_array_equal(round_trip(SCHEMES["mxfp4"], values)[:, 0], [6, 8, -8])


def test_no_weight_is_beyond_what_powers_of_two_are_for() -> None:
    with pytest.raises(OverflowError, match="beyond"):
        SCHEMES["mxfp4"].encode(np.full((1, 32), 1e20, np.float32))


def round_trip(scheme: Scheme, values: Values) -> Values:
    n, k = values.shape
    return scheme.decode(scheme.pack(scheme.encode(values), k), n, k)
