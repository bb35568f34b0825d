"""Choosing schemes and packing logical weights from checkpoint tensors."""

from collections.abc import Mapping, Sequence

import gguf
import numpy as np
import numpy.typing as npt
import pytest
from gguf import GGMLQuantizationType

from webllm_build.errors import ConfigError, MalformedFile, UnsupportedArchitecture
from webllm_build.model.weights import Weight, interleaved_halves
from webllm_build.quantize import SCHEMES, choose_scheme, pack_weight
from webllm_build.source.checkpoint import Checkpoint, Tensor, Tokenizer

Values = npt.NDArray[np.float32]


def tensor(name: str, values: Values, encoding: str = "f32") -> Tensor:
    rows = np.atleast_2d(values)
    raw = gguf.quantize(rows, GGMLQuantizationType[encoding.upper()]).view(np.uint8)
    return Tensor(name, values.shape, encoding, lambda: raw)


def checkpoint(*tensors: Tensor) -> Checkpoint:
    by_name: Mapping[str, Tensor] = {tensor.name: tensor for tensor in tensors}
    return Checkpoint("test", {}, by_name, Tokenizer(b"{}", {}), (0,), None, "0" * 64)


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
        (["bf16"], "q4"),
        (["f16", "f32"], "q4"),
    ],
)
def test_auto_keeps_what_the_checkpoint_holds(encodings: Sequence[str], expected: str) -> None:
    tensors = [Tensor(f"t{i}", (2, 256), encoding, lambda: np.zeros((2, 0), np.uint8)) for i, encoding in enumerate(encodings)]
    weight = Weight("w", tuple(t.name for t in tensors), (2 * len(tensors), 256))
    assert choose_scheme(weight, checkpoint(*tensors), "auto").name == expected


@pytest.mark.parametrize("source", ["model.embed_tokens.weight", "lm_head.weight"])
def test_auto_gives_embedding_and_head_eight_bits(source: str) -> None:
    weight = Weight("table", (source,), (4, 32))
    assert choose_scheme(weight, checkpoint(tensor(source, random_values(4, 32))), "auto").name == "q8"
    assert choose_scheme(weight, checkpoint(tensor(source, random_values(4, 32), "q4_0")), "auto").name == "q4"


@pytest.mark.parametrize("requested", ["q4", "q4a", "q8", "f16"])
def test_a_requested_scheme_is_taken(requested: str) -> None:
    source = checkpoint(tensor("t", random_values(4, 32), "q8_0"))
    assert choose_scheme(Weight("w", ("t",), (4, 32)), source, requested).name == requested
    assert choose_scheme(Weight("v", ("t",), (4,), kind="vector"), source, requested).name == "f32"


@pytest.mark.parametrize("requested", ["q5", "f32", ""])
def test_an_unknown_scheme_is_refused(requested: str) -> None:
    with pytest.raises(ConfigError, match="auto, q4, q4a, q8, f16"):
        choose_scheme(Weight("w", ("t",), (4, 32)), checkpoint(tensor("t", random_values(4, 32))), requested)


@pytest.mark.parametrize(("encoding", "scheme"), [("q4_0", "q4"), ("q4_1", "q4a"), ("q8_0", "q8")])
def test_sources_are_joined_and_rows_reordered_without_loss(encoding: str, scheme: str) -> None:
    gate, up = (tensor(name, random_values(rows, 96), encoding) for name, rows in (("gate", 5), ("up", 5)))
    weight = Weight("gate_up", ("gate", "up"), (10, 96), interleaved_halves(10))
    unpacked = unpack(weight, checkpoint(gate, up), scheme)
    assert unpacked[0::2].tobytes() == gate.dequantize().tobytes()
    assert unpacked[1::2].tobytes() == up.dequantize().tobytes()


def test_sources_in_other_encodings_are_converted() -> None:
    exact, converted = random_values(3, 64), random_values(2, 64)
    source = checkpoint(tensor("a", exact, "q8_0"), tensor("b", converted))
    unpacked = unpack(Weight("w", ("a", "b"), (5, 64)), source, "q8")
    assert unpacked[:3].tobytes() == source.tensors["a"].dequantize().tobytes()
    np.testing.assert_allclose(unpacked[3:], converted, atol=np.abs(converted).max() / 127)


def test_long_weights_are_converted_as_short_ones() -> None:
    """Conversion goes chunk by chunk; the cuts do not show."""
    values = random_values(300, 1024)
    whole = unpack(Weight("w", ("t",), (300, 1024)), checkpoint(tensor("t", values)), "q4")
    one = unpack(Weight("w", ("t",), (1, 1024)), checkpoint(tensor("t", values[257:258])), "q4")
    assert whole[257].tobytes() == one[0].tobytes()


def test_vectors_stay_as_they_are() -> None:
    first, second = random_values(5), random_values(7)
    weight = Weight("bias", ("a", "b"), (12,), np.arange(12)[::-1].copy(), kind="vector")
    source = checkpoint(tensor("a", first), tensor("b", second))
    (packed,) = pack_weight(weight, source, SCHEMES["f32"])
    assert (packed.name, packed.dtype, packed.shape) == ("bias.w", "float32", (12,))
    assert packed.data.tobytes() == np.concatenate([first, second])[::-1].tobytes()


def test_half_precision_vectors_become_float32() -> None:
    values = random_values(6)
    unpacked = unpack(Weight("norm", ("t",), (6,), kind="vector"), checkpoint(tensor("t", values, "f16")), "f32")
    np.testing.assert_array_equal(unpacked[:, 0], values.astype(np.float16).astype(np.float32))


@pytest.mark.parametrize("scheme", ["q4", "q4a", "q8", "f16"])
@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_values_that_are_not_finite_name_their_tensor(scheme: str, bad: float) -> None:
    values = random_values(4, 32)
    values[2, 7] = bad
    source = checkpoint(tensor("good", random_values(4, 32)), tensor("layers.3.bad", values))
    with pytest.raises(MalformedFile, match=r"layers\.3\.bad"):
        pack_weight(Weight("w", ("good", "layers.3.bad"), (8, 32)), source, SCHEMES[scheme])


@pytest.mark.parametrize(("encoding", "scheme", "at"), [("q4_0", "q4", 0), ("q4_1", "q4a", 2), ("q8_0", "q8", 0)])
def test_scales_that_are_not_finite_name_their_tensor(encoding: str, scheme: str, at: int) -> None:
    good = tensor("good", random_values(4, 64), encoding)
    raw = good.read().copy()
    raw[3, at : at + 2] = np.array([np.inf], np.float16).view(np.uint8)
    source = checkpoint(good, Tensor("bad", (4, 64), encoding, lambda: raw))
    with pytest.raises(MalformedFile, match="tensor bad"):
        pack_weight(Weight("w", ("good", "bad"), (8, 64)), source, SCHEMES[scheme])


def test_enormous_weights_name_their_tensor() -> None:
    source = checkpoint(tensor("huge", np.full((1, 32), 1e30, np.float32)))
    with pytest.raises(MalformedFile, match="tensor huge"):
        pack_weight(Weight("w", ("huge",), (1, 32)), source, SCHEMES["q8"])


def test_rows_that_blocks_do_not_divide_are_refused() -> None:
    source = checkpoint(tensor("t", random_values(4, 48)))
    with pytest.raises(UnsupportedArchitecture, match="rows of 48"):
        pack_weight(Weight("w", ("t",), (4, 48)), source, SCHEMES["q4"])


@pytest.mark.parametrize("shape", [(5, 32), (4, 64)])
def test_shapes_that_do_not_add_up_are_refused(shape: tuple[int, int]) -> None:
    source = checkpoint(tensor("t", random_values(4, 32)))
    with pytest.raises(MalformedFile, match=r"t \[4, 32\]"):
        pack_weight(Weight("w", ("t",), shape), source, SCHEMES["q4"])
