"""Choosing schemes and packing logical weights from checkpoint tensors."""

from collections.abc import Mapping, Sequence
from contextlib import suppress

import gguf
import numpy as np
import numpy.typing as npt
import pytest
from gguf import GGMLQuantizationType

from webllm_build.errors import MalformedFile, UnsupportedArchitecture
from webllm_build.model.weights import Source, Stored, Weight, interleaved_halves
from webllm_build.quantize import SCHEMES, choose_scheme, pack_weight
from webllm_build.quantize.pack import is_quantized
from webllm_build.source.checkpoint import ENCODINGS, Checkpoint, Tensor, Tokenizer, decode_rows, is_decodable

Values = npt.NDArray[np.float32]


def tensor(name: str, values: Values, encoding: str = "f32") -> Tensor:
    rows = np.atleast_2d(values)
    raw = gguf.quantize(rows, GGMLQuantizationType[encoding.upper()]).view(np.uint8)
    return Tensor.of(name, values.shape, encoding, raw)


def checkpoint(*tensors: Tensor) -> Checkpoint:
    by_name: Mapping[str, Tensor] = {tensor.name: tensor for tensor in tensors}
    return Checkpoint("test", {}, by_name, Tokenizer(b"{}", {}), (0,), None, lambda: "0" * 64)


def weight(
    name: str, sources: Sequence[Tensor], order: npt.NDArray[np.int64] | None = None, *, vector: bool = False, table: bool = False
) -> Weight:
    """A weight of all rows of these tensors."""
    parts = tuple(Source({"hugging_face": Stored(source.name)}, source.shape) for source in sources)
    shape = (sum(source.shape[0] for source in sources), *sources[0].shape[1:])
    return Weight(name, parts, shape, order, "vector" if vector else "linear", "table" if table else "few")


def random_values(*shape: int) -> Values:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)


def unpack(weight: Weight, source: Checkpoint, scheme: str) -> Values:
    rows, columns = weight.shape if weight.kind == "linear" else (weight.shape[0], 1)
    packed = pack_weight(weight, source, SCHEMES[scheme])
    return SCHEMES[scheme].decode([buffer.data for buffer in packed], rows, columns)


@pytest.mark.parametrize(
    ("encodings", "expected"),
    [
        (["q4_0"], "q4"),
        (["q4_1"], "q4a"),
        (["q4_1", "q4_1"], "q4a"),
        (["q8_0"], "q8"),
        (["q6_k"], "q8"),
        (["q5_0"], "q8"),
        (["q4_k"], "q4a"),
        (["q4_0", "q8_0"], "q8"),
        (["q4_0", "f16"], "q8"),
        (["iq4_nl"], "q8"),
        (["iq2_xs", "iq3_s"], "q4a"),
        (["iq1_s", "iq1_m"], "q4"),
        (["q3_k"], "q4"),
        (["q1_0"], "q4"),
        (["tq1_0", "tq2_0"], "q4"),
        (["mxfp4"], "mxfp4"),
        (["bf16"], "q4"),
        (["f16", "f32"], "q4"),
    ],
)
def test_auto_keeps_what_the_checkpoint_holds(encodings: Sequence[str], expected: str) -> None:
    tensors = [Tensor.of(f"t{i}", (2, 256), encoding, np.zeros((2, 1), np.uint8)) for i, encoding in enumerate(encodings)]
    assert choose_scheme(weight("w", tensors), checkpoint(*tensors), "auto").name == expected


@pytest.mark.parametrize(
    ("encoding", "at", "scheme"),
    [
        *[(encoding, 0, "q8") for encoding in ("q4_0", "q5_0", "iq4_nl", "q1_0")],
        *[(encoding, at, scheme) for encoding, at in (("tq1_0", 52), ("tq2_0", 64)) for scheme in ("q4", "q8")],
        ("q1_0", 0, "q4"),
    ],
)
def test_integers_with_a_scale_are_kept_without_loss(encoding: str, at: int, scheme: str) -> None:
    """Whatever their scales and codes are: encoders with an importance matrix do not bring a block's largest value to the last code."""
    kind = ENCODINGS[encoding]
    raw = np.random.default_rng(0).integers(0, 256, (12, kind.block_bytes), np.uint8)
    scales = np.array([0.01, -3e-7, 0, 1.5, -60000, 1e-3], "<f2").view(np.uint8).reshape(6, 2)
    raw[:, at : at + 2] = np.concatenate([scales, scales[::-1]])
    shape = (6, 2 * kind.block)
    found = unpack(weight("w", [source := Tensor.of("w", shape, encoding, raw.reshape(6, -1))]), checkpoint(source), scheme)
    np.testing.assert_array_equal(found, decode_rows(raw, encoding, "w").reshape(shape))


def test_mxfp4_is_kept_where_float16_has_its_scales() -> None:
    """And what is smaller than any of float16 becomes nothing."""
    raw = np.random.default_rng(0).integers(0, 256, (40, 17), np.uint8)
    raw[:, 0] = np.arange(104, 144)  # 2^-24 to 2^15
    source = Tensor.of("t", (40, 32), "mxfp4", raw)
    for scheme in ("q8", "mxfp4"):
        kept = unpack(weight("w", [source]), checkpoint(source), scheme)
        np.testing.assert_array_equal(kept, gguf.dequantize(raw, GGMLQuantizationType.MXFP4))
    raw[:, 0] = np.arange(40)
    assert not unpack(weight("w", [source]), checkpoint(source), "q8").any()
    raw[3, 0] = 200
    for scheme in ("q8", "mxfp4"):
        with pytest.raises(MalformedFile, match="tensor t"):
            unpack(weight("w", [source]), checkpoint(source), scheme)


def test_float64_is_decoded() -> None:
    numbers = np.linspace(-2, 2, 32).reshape(1, 32)
    matrix, vector = (Tensor.of("t", shape, "f64", numbers.view(np.uint8)) for shape in ((1, 32), (32,)))
    np.testing.assert_array_equal(unpack(weight("w", [matrix]), checkpoint(matrix), "f16"), numbers.astype(np.float16).astype(np.float32))
    found = unpack(weight("w", [vector], vector=True), checkpoint(vector), "f32")
    np.testing.assert_array_equal(found[:, 0], numbers[0].astype(np.float32))


def test_auto_takes_no_quantized_encoding_for_floats() -> None:
    floats = {"f32", "f16", "bf16", "f64", "f8_e4m3", "f8_e5m2", "i8", "i16", "i32", "i64"}
    for encoding in filter(is_decodable, ENCODINGS.keys() - floats):
        values = Tensor.of("t", (2, 256), encoding, np.zeros((2, 1), np.uint8))
        chosen = choose_scheme(weight("w", [values]), checkpoint(values), "auto")
        assert is_quantized(encoding) and chosen.name in ("q4", "q4a", "q8", "mxfp4"), encoding
    assert not any(map(is_quantized, floats))


def test_auto_gives_embedding_and_head_eight_bits() -> None:
    for encoding, scheme in (("f32", "q8"), ("q4_0", "q4")):
        values = tensor("t", random_values(4, 32), encoding)
        assert choose_scheme(weight("table", [values], table=True), checkpoint(values), "auto").name == scheme


@pytest.mark.parametrize("requested", ["q4", "q4a", "q8", "f16"])
def test_a_requested_scheme_is_taken(requested: str) -> None:
    values = tensor("t", random_values(4, 32), "q8_0")
    assert choose_scheme(weight("w", [values]), checkpoint(values), requested).name == requested
    assert choose_scheme(weight("v", [values], vector=True), checkpoint(values), requested).name == "f32"


@pytest.mark.parametrize(("encoding", "scheme"), [("q4_0", "q4"), ("q4_1", "q4a"), ("q8_0", "q8")])
def test_sources_are_joined_and_rows_reordered_without_loss(encoding: str, scheme: str) -> None:
    gate, up = (tensor(name, random_values(rows, 96), encoding) for name, rows in (("gate", 5), ("up", 5)))
    unpacked = unpack(weight("gate_up", [gate, up], interleaved_halves(10)), checkpoint(gate, up), scheme)
    assert unpacked[0::2].tobytes() == gate.dequantize().tobytes()
    assert unpacked[1::2].tobytes() == up.dequantize().tobytes()


def test_sources_in_other_encodings_are_converted() -> None:
    exact, converted = random_values(3, 64), random_values(2, 64)
    sources = tensor("a", exact, "q8_0"), tensor("b", converted)
    unpacked = unpack(weight("w", sources), checkpoint(*sources), "q8")
    assert unpacked[:3].tobytes() == sources[0].dequantize().tobytes()
    np.testing.assert_allclose(unpacked[3:], converted, atol=np.abs(converted).max() / 127)


def test_long_weights_are_converted_as_short_ones() -> None:
    """Conversion goes chunk by chunk; the cuts do not show."""
    values = random_values(300, 1024)
    all_rows, a_row = tensor("t", values), tensor("t", values[257:258])
    whole, one = (unpack(weight("w", [rows]), checkpoint(rows), "q4") for rows in (all_rows, a_row))
    assert whole[257].tobytes() == one[0].tobytes()


def test_vectors_stay_as_they_are() -> None:
    first, second = random_values(5), random_values(7)
    sources = tensor("a", first), tensor("b", second)
    bias = weight("bias", sources, np.arange(12)[::-1].copy(), vector=True)
    (packed,) = pack_weight(bias, checkpoint(*sources), SCHEMES["f32"])
    assert (packed.name, packed.dtype, packed.shape) == ("bias.w", "float32", (12,))
    assert packed.data.tobytes() == np.concatenate([first, second])[::-1].tobytes()


def test_half_precision_vectors_become_float32() -> None:
    values = random_values(6)
    source = tensor("t", values, "f16")
    unpacked = unpack(weight("norm", [source], vector=True), checkpoint(source), "f32")
    np.testing.assert_array_equal(unpacked[:, 0], values.astype(np.float16).astype(np.float32))


@pytest.mark.parametrize("scheme", ["q4", "q4a", "q8", "f16"])
@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_values_that_are_not_finite_name_their_tensor(scheme: str, bad: float) -> None:
    values = random_values(4, 32)
    values[2, 7] = bad
    sources = tensor("good", random_values(4, 32)), tensor("layers.3.bad", values)
    with pytest.raises(MalformedFile, match=r"layers\.3\.bad"):
        pack_weight(weight("w", sources), checkpoint(*sources), SCHEMES[scheme])


@pytest.mark.parametrize(("encoding", "scheme", "at"), [("q4_0", "q4", 0), ("q4_1", "q4a", 2), ("q8_0", "q8", 0)])
def test_scales_that_are_not_finite_name_their_tensor(encoding: str, scheme: str, at: int) -> None:
    good = tensor("good", random_values(4, 64), encoding)
    raw = good.read().copy()
    raw[3, at : at + 2] = np.array([np.inf], np.float16).view(np.uint8)
    bad = Tensor.of("bad", (4, 64), encoding, raw)
    with pytest.raises(MalformedFile, match="tensor bad"):
        pack_weight(weight("w", [good, bad]), checkpoint(good, bad), SCHEMES[scheme])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("encoding", sorted(filter(is_decodable, ENCODINGS)))
def test_any_bytes_become_finite_weights_or_an_error(encoding: str) -> None:
    kind = ENCODINGS[encoding]
    random = np.random.default_rng(11)
    shape = (4, 256 // kind.block * kind.block_bytes)
    for raw in (np.full(shape, 255, np.uint8), np.zeros(shape, np.uint8), *random.integers(0, 256, (6, *shape), np.uint8)):
        source = Tensor.of("t", (4, 256), encoding, raw)
        for scheme in ("q4", "q4a", "q8", "f16"):
            with suppress(MalformedFile):
                assert np.isfinite(unpack(weight("w", [source]), checkpoint(source), scheme)).all()


def test_enormous_weights_name_their_tensor() -> None:
    source = tensor("huge", np.full((1, 32), 1e30, np.float32))
    with pytest.raises(MalformedFile, match="tensor huge"):
        pack_weight(weight("w", [source]), checkpoint(source), SCHEMES["q8"])


def test_rows_that_blocks_do_not_divide_are_refused() -> None:
    source = tensor("t", random_values(4, 48))
    with pytest.raises(UnsupportedArchitecture, match="rows of 48"):
        pack_weight(weight("w", [source]), checkpoint(source), SCHEMES["q4"])


@pytest.mark.parametrize("shape", [(5, 32), (4, 64)])
def test_tensors_of_another_shape_are_refused(shape: tuple[int, int]) -> None:
    found, wanted = tensor("t", random_values(4, 32)), tensor("t", random_values(*shape))
    with pytest.raises(MalformedFile, match=r"t is \[4, 32\], and not"):
        pack_weight(weight("w", [wanted]), checkpoint(found), SCHEMES["q4"])


def test_q4_k_keeps_its_codes() -> None:
    """Nothing is searched: only scales and minimums are rounded, from 17 bits to the 11 of a float16."""
    rng = np.random.default_rng(3)
    raw = rng.integers(0, 256, (6, 2 * 144), np.uint8)
    raw.reshape(-1, 144)[:, :4] = rng.uniform(1e-4, 1e-2, (12, 2)).astype(np.float16).view(np.uint8)
    source = Tensor.of("t", (6, 512), "q4_k", raw)
    values = gguf.dequantize(raw, GGMLQuantizationType.Q4_K)
    found = unpack(weight("w", [source]), checkpoint(source), "q4a")
    groups = np.abs(values.reshape(-1, 32)).max(1, keepdims=True)
    steps = 15 * 63 * 1e-2  # of the largest code and scale
    assert (np.abs(found - values).reshape(-1, 32) <= groups * 2**-10 + steps * 2**-11).all()
    assert np.linalg.norm(found - values) < 3e-4 * np.linalg.norm(values)
    raw.reshape(-1, 144)[0, :2] = np.array([60000], np.float16).view(np.uint8)
    with pytest.raises(MalformedFile, match="tensor t"):
        unpack(weight("w", [source]), checkpoint(source), "q4a")


def test_values_are_transformed_where_they_are_read() -> None:
    """A norm that is stored as w - 1, a factor, and rows of a tensor that holds more."""
    stored = random_values(6, 32)
    source = checkpoint(tensor("t", stored, "q8_0"))
    values = source.tensors["t"].dequantize()

    def read(part: Source) -> Tensor:
        (tensor,) = Weight("w", (part,), (part.taken, 32)).tensors(source)
        return tensor

    scaled = read(Source({"hugging_face": Stored("t", offset=1.0, multiplier=-2.0)}, (6, 32)))
    assert (scaled.encoding, scaled.shape) == ("f32", (6, 32))
    np.testing.assert_array_equal(scaled.dequantize(), values * -2 + 1)
    rows = read(Source({"hugging_face": Stored("t")}, (6, 32), rows=(2, 5)))
    assert (rows.encoding, rows.shape) == ("q8_0", (3, 32))
    assert rows.dequantize().tobytes() == values[2:5].tobytes()
    both = read(Source({"hugging_face": Stored("t", multiplier=0.5)}, (6, 32), rows=(2, 5)))
    np.testing.assert_array_equal(both.dequantize(), values[2:5] / 2)
