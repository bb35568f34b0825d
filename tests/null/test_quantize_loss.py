"""What encoding quantized weights again loses, measured on blocks of random codes against the gguf package's decoders."""

from __future__ import annotations

import gguf
import numpy as np
import numpy.typing as npt
import pytest
from gguf import GGMLQuantizationType
from test_quantize_weights import checkpoint, weight

from webllm_build.quantize import SCHEMES, pack_weight
from webllm_build.quantize.loss import LOSSES
from webllm_build.quantize.pack import is_quantized, is_repacked
from webllm_build.source.checkpoint import ENCODINGS, Tensor, decode_rows, is_decodable

ROWS, COLUMNS = 64, 512
QUANTIZED = sorted(name for name in filter(is_decodable, ENCODINGS) if is_quantized(name))
# Where blocks have float16 scales; minimums beside them are negative, and about half of the range away.
SCALES_AT = {
    **dict.fromkeys(("q1_0", "q4_0", "q5_0", "q8_0", "iq4_nl", "iq4_xs", "iq2_xxs", "iq2_xs", "iq2_s", "iq3_xxs", "iq3_s", "iq1_s"), (0,)),
    "q4_1": (0,), "q5_1": (0,), "q2_k": (80, 82), "q3_k": (108,), "q4_k": (0, 2), "q5_k": (0, 2), "q6_k": (208,),
    "tq1_0": (52,), "tq2_0": (64,),
}
MINIMUMS = {"q4_1": 6.5, "q5_1": 13}


def sample(encoding: str) -> npt.NDArray[np.uint8]:
    """Rows of blocks with random codes, and scales from a thousandth to twice that."""
    random = np.random.default_rng(1)
    kind = ENCODINGS[encoding]
    blocks = random.integers(0, 256, (ROWS * COLUMNS // kind.block, kind.block_bytes), np.uint8)
    scales = random.uniform(1e-3, 2e-3, (len(blocks), 1))
    for at in SCALES_AT.get(encoding, ()):
        blocks[:, at : at + 2] = scales.astype("<f2").view(np.uint8)
    if encoding in MINIMUMS:
        blocks[:, 2:4] = (-MINIMUMS[encoding] * scales).astype("<f2").view(np.uint8)
    if encoding == "mxfp4":
        blocks[:, 0] = random.integers(114, 122, len(blocks))
    elif encoding == "nvfp4":
        blocks[:, :4] = random.integers(40, 70, (len(blocks), 4))
    elif encoding == "iq1_m":  # four bits of the float16 stand at the top of each of four words
        words = blocks[:, 48:56].view("<u2")
        halves = scales.astype("<f2").view("<u2")
        words[:] = words & 0x0FFF | (halves >> np.array([0, 4, 8, 12], np.uint16)) << np.uint16(12)
    return blocks.reshape(ROWS, -1)


def loss(encoding: str, scheme: str) -> float:
    raw = sample(encoding)
    source = Tensor.of("t", (ROWS, COLUMNS), encoding, raw)
    values = decode_rows(raw, encoding, "t")
    packed = pack_weight(weight("w", [source]), checkpoint(source), SCHEMES[scheme])
    found = SCHEMES[scheme].decode([buffer.data for buffer in packed], ROWS, COLUMNS)
    return float(np.linalg.norm(found - values) / np.linalg.norm(values))


@pytest.mark.parametrize("encoding", QUANTIZED)
def test_the_table_is_what_is_measured(encoding: str) -> None:
    for scheme in ("q4", "q4a", "q8"):
        measured = loss(encoding, scheme)
        if is_repacked(encoding, SCHEMES[scheme]):
            assert measured < 5e-4 and encoding not in LOSSES[scheme]
        else:
            assert LOSSES[scheme][encoding] == pytest.approx(measured, rel=0.1)


@pytest.mark.parametrize("encoding", QUANTIZED)
def test_samples_are_decoded_as_the_gguf_package_does(encoding: str) -> None:
    raw = sample(encoding)
    if encoding == "q1_0":  # by its definition: the package has no decoder
        blocks = raw.reshape(-1, 18)
        signs = [[1 if block[2 + i // 8] >> (i % 8) & 1 else -1 for i in range(128)] for block in blocks.tolist()]
        expected = np.array(signs, np.float32) * blocks[:, :2].copy().view("<f2").astype(np.float32)
    else:
        expected = gguf.dequantize(raw, GGMLQuantizationType[encoding.upper()])
    np.testing.assert_array_equal(decode_rows(raw, encoding, "t"), expected.reshape(ROWS, COLUMNS))
    assert np.isfinite(expected).all() and np.abs(expected).max() > 0
