"""How much an error of each weight matters, from the activations that a model has on a short text.

The squared error of a linear layer's output is, where its inputs are uncorrelated, the sum of the squared errors of its weights, each
times the mean square of its input. Few inputs are much larger than the others, and they are the same ones in any text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from webllm_build.errors import MalformedFile
from webllm_build.model.decoder import Decoder
from webllm_build.model.numpy_operators import Array, NumpyOperators, Slice
from webllm_build.model.weights import Weight
from webllm_build.quantize import native
from webllm_build.quantize.pack import is_repacked
from webllm_build.quantize.scheme import Importance, Scheme
from webllm_build.source.checkpoint import Checkpoint
from webllm_build.source.tokenizer_process import encode
from webllm_build.threads import in_parallel

TEXT = Path(__file__).with_name("calibration.txt")
MAX_TOKENS = 128  # enough to see which inputs are large (twice as many gain half a percent); the CPU multiplies all weights with each
MIN_TOKENS = 16
MOST_CHARACTERS = 16  # of a token that are looked at
MAX_BITS = 5  # of a scheme that calibration is worth its time for
FIX = "Give a text of at least a page (--calibrate), or 8-bit weights, which need none (--quantization q8)."
# Fewer digits than differ from one CPU to another, so that all pack the same bytes.
DIGITS = 5


def calibration_tokens(checkpoint: Checkpoint, model: Decoder, text: str) -> list[int]:
    """The first MAX_TOKENS tokens of a text. Raises UnsupportedTokenizer, and MalformedFile where it makes too few of it."""
    (ids,) = encode(checkpoint.tokenizer, [text[: MAX_TOKENS * MOST_CHARACTERS]], add_special_tokens=True)
    known = [token for token in ids if token < model.vocab_size][:MAX_TOKENS]
    if len(known) < MIN_TOKENS:
        raise MalformedFile(f"{checkpoint.name}: the tokenizer makes {len(known)} tokens of the calibration text", FIX)
    return known


def importances(
    model: Decoder, checkpoint: Checkpoint, tokens: Sequence[int], done: Callable[[int], None] = lambda weights: None
) -> dict[str, Importance]:
    """The mean square of each input of each linear weight but the embedding, float32[k], by the weight's name.

    `done` is told how many weights were passed. A weight whose inputs overflow is left out.
    """
    operators = _Recorder(model, checkpoint, tokens, done)
    with np.errstate(all="ignore"):  # broken files are for pack_weight to report
        if model.pool is None:
            model.logits(operators, model.hidden(operators))
        else:
            model.vector(operators, model.pooled(operators, model.hidden(operators)))
    return {name: square for name, square in operators.squares.items() if np.isfinite(square).all()}


def gains_by_calibration(model: Decoder, checkpoint: Checkpoint, schemes: Mapping[str, Scheme]) -> bool:
    """Whether a weight must be quantized to few bits, and not only repacked."""
    few = ((weight, schemes[weight.name]) for weight in model.weights if schemes[weight.name].bits <= MAX_BITS)
    return any(not is_repacked(tensor.encoding, scheme) for weight, scheme in few for tensor in weight.tensors(checkpoint))


class _Recorder(NumpyOperators):
    """Keeps the mean squares of what is multiplied. Products are float32, summed in one order; all else is float64, where what one CPU
    sums otherwise than another is below the last bit of a float32."""

    def __init__(self, model: Decoder, checkpoint: Checkpoint, tokens: Sequence[int], done: Callable[[int], None]) -> None:
        super().__init__(checkpoint, model.norm_eps, tokens)
        self.squares: dict[str, Importance] = {}
        self._head = model.head
        self._done = done

    def multiply(self, x: Array, weight: Weight) -> Array:
        self._record(x, weight)
        return x[:, :1] if weight is self._head else super().multiply(x, weight)  # nobody looks at the logits; a bias may be added to them

    def products(self, x: Array, slices: Iterable[Slice]) -> list[Array]:
        panels = native.panels(x)
        return in_parallel(lambda rows: native.multiply(rows(), panels)[:, : len(x)].astype(self.dtype), slices)

    def multiply_experts(self, x: Array, ids: npt.NDArray[np.int64], weight: Weight) -> Array:
        self._record(x, weight)  # of all experts alike: most see few of the tokens
        return super().multiply_experts(x, ids, weight)

    def _record(self, x: Array, weight: Weight) -> None:
        # The first token counts too: models keep enormous activations there, which all later tokens attend to.
        square = (x**2).mean(0)
        self.squares[weight.name] = np.round(square / square.max(), DIGITS).astype(np.float32)
        self._done(len(self.squares))
