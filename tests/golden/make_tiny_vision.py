"""Makes a tiny random model of each family that sees, and what transformers computes from it in float32.

Run by hand when the fixtures change, in an environment with transformers 5 and torch:

    python tests/golden/make_tiny_vision.py LLAMA_CPP [FAMILY...]

LLAMA_CPP is llama.cpp's folder with its converter, as make_tiny_models.py takes it.

tests/golden/tiny_vision/FAMILY.json describes one:

    config      the folder's config.json
    grids       the pictures of a prompt, or their tiles: rows and columns of patches
    prompt      its tokens; a text is the number of one of these
    like        another family, which its part for pictures is to the compiler: it is compared on NumPy operators alone
    mmproj      where there is a GGUF file of what sees, what its converter reads of preprocessor_config.json

The reference has what the model's part for pictures reads (webllm_build/model/vision/numpy_tower.py, Pictures), the `vectors` that come
of it (and `made`, what it makes, where these are others), the prompt's `tokens` with -1 for those of pictures, and the `logits` after each.
"""

from __future__ import annotations

import copy
import itertools
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers
from convert_to_gguf import convert_vision
from make_tiny_models import randomise, write

HERE = Path(__file__).parent
FIXTURES, REFERENCE, FAMILIES = HERE.parent / "fixtures", HERE / "reference", HERE / "tiny_vision"
FAST_PATCH = 64  # pixels a side that FastViT makes a vector of
BLOCK = 32  # numbers of a patch have zeros behind them up to whole blocks


def in_groups(rows: int, columns: int, side: int) -> np.ndarray:
    """The places of patches, row and column, group by group: int[patches, 2]."""
    places = np.stack(np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij"), -1)
    return places.reshape(rows // side, side, columns // side, side, 2).swapaxes(1, 2).reshape(-1, 2)


def patches_of(picture: np.ndarray, size: int, places: np.ndarray) -> np.ndarray:
    """Of float32[channels, height, width]."""
    patches = [picture[:, row * size : (row + 1) * size, column * size : (column + 1) * size].reshape(-1) for row, column in places]
    return np.pad(np.stack(patches), [(0, 0), (0, -len(patches[0]) % BLOCK)])


class Family:
    """What differs: the places of positions, and how the library is asked."""

    def __init__(self, model: Any, config: dict[str, Any], grids: list[list[int]], generator: torch.Generator) -> None:
        self.model, self.config, self.vision = model, config, config["vision_config"]
        self.size, self.side = self.vision["patch_size"], self.merge()
        self.pictures = [torch.randn(3, self.size * rows, self.size * columns, generator=generator) for rows, columns in grids]
        self.grids = grids

    def merge(self) -> int:
        return int(self.config["scale_factor"])

    def taps(self, rows: int, columns: int, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of patches at these places: rows of the table of positions, and their factors."""
        side = self.vision["image_size"] // self.size
        return (places[:, :1] * side + places[:, 1:]).astype(np.int32), np.ones((len(places), 1), np.float32)

    def inputs(self) -> dict[str, torch.Tensor]:
        return {"pixel_values": torch.stack(self.pictures)[None]}

    def vectors(self) -> list[np.ndarray]:
        """Of each picture."""
        (features,) = self.model.get_image_features(**self.inputs()).pooler_output
        return np.split(features.numpy(), len(self.pictures))

    def marks(self, tokens: np.ndarray) -> dict[str, torch.Tensor]:
        """What else the library is told of a prompt; tokens of pictures are negative."""
        return {}

    def reference(self, prompt: list[Any]) -> dict[str, np.ndarray]:
        found: dict[str, list[np.ndarray]] = {name: [] for name in ("patches", "taps", "factors", "spans0", "positions")}
        first = 0
        for picture, (rows, columns) in zip(self.pictures, self.grids, strict=True):
            places = in_groups(rows, columns, self.side)
            taps, factors = self.taps(rows, columns, places)
            last = first + len(places) - 1
            spans = np.full((len(places), 2), [first, last], np.int32)
            for name, values in zip(found, (patches_of(picture.numpy(), self.size, places), taps, factors, spans, places), strict=True):
                found[name].append(values)
            first = last + 1
        vectors = self.vectors()
        token = int(self.config["image_token_id" if "image_token_id" in self.config else "image_token_index"])
        parts = [[-1] * len(vectors[int(part)]) if isinstance(part, str) else [part] for part in prompt]
        tokens = np.array([token for part in parts for token in part], np.int32)
        ids = torch.from_numpy(np.where(tokens < 0, token, tokens)).long()[None]
        given = {**self.inputs(), **self.marks(tokens)}
        logits = self.model(input_ids=ids, attention_mask=torch.ones_like(ids), **given).logits[0].numpy()
        arrays = {name: np.concatenate(values) for name, values in found.items()}
        arrays["positions"] = arrays["positions"].astype(np.int32)
        return {**arrays, "vectors": np.concatenate(vectors), "tokens": tokens, "logits": logits}


class Gemma3(Family):
    def merge(self) -> int:
        return int(self.vision["image_size"] // self.vision["patch_size"] // self.config["mm_tokens_per_image"] ** 0.5)

    def inputs(self) -> dict[str, torch.Tensor]:
        return {"pixel_values": torch.stack(self.pictures)}

    def vectors(self) -> list[np.ndarray]:
        return [*self.model.get_image_features(**self.inputs()).pooler_output.numpy()]

    def marks(self, tokens: np.ndarray) -> dict[str, torch.Tensor]:
        return {"token_type_ids": torch.from_numpy((tokens < 0).astype(np.int64))[None]}


class Llava(Family):
    """Of SigLIP."""

    def merge(self) -> int:
        return 1

    def inputs(self) -> dict[str, torch.Tensor]:
        return {"pixel_values": torch.stack(self.pictures)}

    def vectors(self) -> list[np.ndarray]:
        return [features.numpy() for features in self.model.get_image_features(**self.inputs()).pooler_output]


class FastVlm(Llava):
    """Whose patches are the squares of pixels that become a vector each."""

    def __init__(self, model: Any, config: dict[str, Any], grids: list[list[int]], generator: torch.Generator) -> None:
        super().__init__(model, config | {"vision_config": {"patch_size": FAST_PATCH, "image_size": FAST_PATCH}}, grids, generator)


class LlavaGranite(Llava):
    """Whose text scales vectors as it does embeddings, and here has what it sums divided by a factor."""

    def reference(self, prompt: list[Any]) -> dict[str, np.ndarray]:
        found, text = super().reference(prompt), self.config["text_config"]
        return {**found, "vectors": found["vectors"] * np.float32(text["embedding_multiplier"] / text["residual_multiplier"])}


class LlavaClip(Llava):
    """Before whose patches is a token more, as a patch of zeros. Its embedding is the table's first row, and positions begin at BLOCK."""

    def reference(self, prompt: list[Any]) -> dict[str, np.ndarray]:
        found, count = super().reference(prompt), self.grids[0][0] * self.grids[0][1]
        found["taps"] = np.concatenate([BLOCK + 1 + found["taps"], np.zeros_like(found["taps"])], 1)
        found["factors"] = np.concatenate([found["factors"], np.zeros_like(found["factors"])], 1)
        added = {"patches": 0, "taps": [BLOCK, 0], "factors": [1, 1], "positions": 0, "spans0": 0}
        for name, row in added.items():
            every = found[name].reshape(len(self.grids), count, -1)
            first = np.broadcast_to(np.array(row, every.dtype), (len(every), 1, every.shape[2]))
            found[name] = np.concatenate([first, every], 1).reshape(-1, every.shape[2])
        begins = np.repeat(np.arange(len(self.grids)) * (count + 1), count + 1)
        found["spans0"] = np.stack([begins, begins + count], 1).astype(np.int32)
        return found


class LlavaNext(LlavaClip):
    """Pictures of `sizes`, height and width, as wholes and squares. `made` are the vectors of all of these, one by one."""

    @property
    def sizes(self) -> list[tuple[int, int]]:
        side = self.vision["image_size"]
        return [(side * 17 // 10, 2 * side), (side * 3 // 4, 2 * side - 2)]

    def inputs(self) -> dict[str, torch.Tensor]:
        grids, side = self.config["image_grid_pinpoints"], self.vision["image_size"]
        counts = [transformers.models.llava_next.modeling_llava_next.image_size_to_num_patches(size, grids, side) for size in self.sizes]
        pixels = torch.zeros(len(counts), max(counts), 3, side, side)
        for number, tiles in enumerate(torch.split(torch.stack(self.pictures), counts)):
            pixels[number, : len(tiles)] = tiles
        return {"pixel_values": pixels, "image_sizes": torch.tensor(self.sizes)}

    def reference(self, prompt: list[Any]) -> dict[str, np.ndarray]:
        found = (LlavaClip if self.vision["model_type"] == "clip_vision_model" else Family).reference(self, prompt)
        text, layers = self.config["text_config"], self.config["vision_feature_layer"]
        states = self.model.model.vision_tower(torch.stack(self.pictures), output_hidden_states=True).hidden_states
        chosen = [states[layer] for layer in ([layers] if isinstance(layers, int) else layers)]
        made = self.model.model.multi_modal_projector(torch.cat(chosen, -1)).flatten(0, 1).numpy()
        scale = np.float32(text.get("embedding_multiplier", 1) / text.get("residual_multiplier", 1))
        return {**found, "vectors": found["vectors"] * scale, "made": made * scale}


class Lfm2Vl(Family):
    def merge(self) -> int:
        return int(self.config["downsample_factor"])

    def taps(self, rows: int, columns: int, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        side = int(self.vision["num_patches"] ** 0.5)
        every = torch.eye(side**2).reshape(side, side, -1)
        resized = type(self.model.model.vision_tower.embeddings).resize_positional_embeddings
        factors = resized(every, torch.tensor([[rows, columns]]), rows * columns)[0].numpy()[places[:, 0] * columns + places[:, 1]]
        return np.tile(np.arange(side**2, dtype=np.int32), (len(places), 1)), factors.astype(np.float32)

    def inputs(self) -> dict[str, torch.Tensor]:
        most = max(rows * columns for rows, columns in self.grids)
        pixels, mask = torch.zeros(len(self.grids), most, 3 * self.size**2), torch.zeros(len(self.grids), most, dtype=torch.int64)
        for number, (picture, (rows, columns)) in enumerate(zip(self.pictures, self.grids, strict=True)):
            patches = picture.reshape(3, rows, self.size, columns, self.size).permute(1, 3, 2, 4, 0).reshape(rows * columns, -1)
            pixels[number, : len(patches)], mask[number, : len(patches)] = patches, 1
        return {"pixel_values": pixels, "pixel_attention_mask": mask, "spatial_shapes": torch.tensor(self.grids)}

    def vectors(self) -> list[np.ndarray]:
        return [features.numpy() for features in self.model.get_image_features(**self.inputs()).pooler_output]


class Qwen(Family):
    def merge(self) -> int:
        return int(self.vision["spatial_merge_size"])

    def taps(self, rows: int, columns: int, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if "num_position_embeddings" not in self.vision:
            return np.zeros((len(places), 1), np.int32), np.ones((len(places), 1), np.float32)
        side = int(self.vision["num_position_embeddings"] ** 0.5)
        along = [places[:, axis] * np.float32((side - 1) / max(count - 1, 1)) for axis, count in enumerate((rows, columns))]
        low = [np.floor(each).astype(np.int32) for each in along]
        ends = [(at, np.minimum(at + 1, side - 1)) for at in low]
        parts = [(1 - (each - at), each - at) for each, at in zip(along, low, strict=True)]
        corners = [(i, j) for i in range(2) for j in range(2)]
        taps = np.stack([ends[0][i] * side + ends[1][j] for i, j in corners], 1).astype(np.int32)
        return taps, np.stack([parts[0][i] * parts[1][j] for i, j in corners], 1).astype(np.float32)

    @property
    def sizes(self) -> torch.Tensor:
        return torch.tensor([[1, *grid] for grid in self.grids])

    def inputs(self) -> dict[str, torch.Tensor]:
        found = []
        for picture, (rows, columns) in zip(self.pictures, self.grids, strict=True):
            corners = in_groups(rows, columns, self.side) * self.size
            patches = [picture[:, row : row + self.size, column : column + self.size] for row, column in corners]
            found += [patch[:, None].expand(-1, 2, -1, -1).reshape(-1) for patch in patches]
        return {"pixel_values": torch.stack(found), "image_grid_thw": self.sizes}

    def vectors(self) -> list[np.ndarray]:
        found = self.model.get_image_features(**self.inputs())
        deep = getattr(found, "deepstack_features", None) or []
        return [torch.cat([*parts], 1).numpy() for parts in zip(found.pooler_output, *deep, strict=True)]

    def marks(self, tokens: np.ndarray) -> dict[str, torch.Tensor]:
        return {"mm_token_type_ids": torch.from_numpy((tokens < 0).astype(np.int64))[None]}

    def reference(self, prompt: list[Any]) -> dict[str, np.ndarray]:
        found = super().reference(prompt)
        tokens = found["tokens"]
        ids = torch.from_numpy(np.where(tokens < 0, self.config["image_token_id"], tokens)).long()[None]
        positions, _ = self.model.model.get_rope_index(ids, image_grid_thw=self.sizes, **self.marks(tokens))
        return {**found, "token_positions": positions[:, 0].T.numpy().astype(np.int32)}


class Qwen25(Qwen):
    """Whose patches come window by window."""

    def reference(self, prompt: list[Any]) -> dict[str, np.ndarray]:
        found, group = super().reference(prompt), self.side**2
        index = transformers.models.qwen2_5_vl.modeling_qwen2_5_vl.get_vision_window_index
        order, ends = index(
            self.sizes, spatial_merge_size=self.side, window_size=self.vision["window_size"], patch_size=self.size, kwargs={}
        )
        order, ends = order.numpy(), np.unique(ends.numpy())
        places = (order[:, None] * group + np.arange(group)).reshape(-1)
        moved = {name: found[name][places] for name in ("patches", "taps", "factors", "spans0", "positions")}
        windows = np.concatenate([np.full((end - first, 2), [first, end - 1]) for first, end in itertools.pairwise(ends)])
        return {**found, **moved, "spans1": windows.astype(np.int32), "order": order}


class Lfm3Vl(Qwen):
    """Whose text counts pictures as any other tokens."""

    def marks(self, tokens: np.ndarray) -> dict[str, torch.Tensor]:
        return {}

    def reference(self, prompt: list[Any]) -> dict[str, np.ndarray]:
        return Family.reference(self, prompt)


class Gemma4(Family):
    def merge(self) -> int:
        return int(self.vision["pooling_kernel_size"])

    def taps(self, rows: int, columns: int, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        side = self.vision["position_embedding_size"]
        return np.stack([places[:, 1], side + places[:, 0]], 1).astype(np.int32), np.ones((len(places), 2), np.float32)

    def inputs(self) -> dict[str, torch.Tensor]:
        """Of pixels from 0 to 1, which the model makes pixels from -1 to 1."""
        most = max(rows * columns for rows, columns in self.grids)
        pixels = torch.zeros(len(self.grids), most, 3 * self.size**2)
        positions = torch.full((len(self.grids), most, 2), -1)
        for number, (picture, (rows, columns)) in enumerate(zip(self.pictures, self.grids, strict=True)):
            patches = picture.reshape(3, rows, self.size, columns, self.size).permute(1, 3, 2, 4, 0).reshape(rows * columns, -1)
            pixels[number, : len(patches)] = patches / 2 + 0.5
            places = torch.tensor([[column, row] for row in range(rows) for column in range(columns)])
            positions[number, : len(places)] = places
        return {"pixel_values": pixels, "image_position_ids": positions}

    def vectors(self) -> list[np.ndarray]:
        return [features.numpy() for features in self.model.get_image_features(**self.inputs()).pooler_output]

    def marks(self, tokens: np.ndarray) -> dict[str, torch.Tensor]:
        return {"mm_token_type_ids": torch.from_numpy((tokens < 0).astype(np.int64))[None]}


KINDS: dict[str, type[Family]] = {
    "fast_vlm": FastVlm,
    "gemma3": Gemma3,
    "gemma4": Gemma4,
    "gemma4-both_ways": Gemma4,
    "lfm2_vl": Lfm2Vl,
    "lfm3_vl": Lfm3Vl,
    "llava": LlavaClip,
    "llava-granite": LlavaGranite,
    "llava-siglip": Llava,
    "llava_next": LlavaNext,
    "llava_next-granite": LlavaNext,
    "qwen2_5_vl": Qwen25,
    "qwen3_vl": Qwen,
    "qwen3_5": Qwen,
    "qwen3_5_moe": Qwen,
}


FRAMES = (1, 2, 6, 47, 103)  # of sounds


def heard(model: Any, config: dict[str, Any]) -> dict[str, np.ndarray]:
    """Features of sounds of several lengths, which the library gets together, padded, and the vectors that it makes of each."""
    bins, generator = config["audio_config"]["subsampling_conv_channels"][0], torch.Generator().manual_seed(29)
    features = torch.zeros(len(FRAMES), max(FRAMES) + 9, bins)
    mask = torch.zeros(features.shape[:2], dtype=torch.bool)
    for number, count in enumerate(FRAMES):
        features[number, :count], mask[number, :count] = torch.randn(count, bins, generator=generator), True
    found = model.model.get_audio_features(features, mask)
    vectors = [part[kept].numpy() for part, kept in zip(found.pooler_output, found.attention_mask, strict=True)]
    of_sounds = {f"features{number}": features[number, :count].numpy() for number, count in enumerate(FRAMES)}
    return {**of_sounds, **{f"vectors{number}": each for number, each in enumerate(vectors)}}


def make(llama_cpp: Path, family: str) -> None:
    recipe = json.loads((FAMILIES / f"{family}.json").read_text("utf-8"))
    config, folder = recipe["config"], FIXTURES / f"tiny-vision-{family}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    torch.manual_seed(20)
    kind = getattr(transformers, config["architectures"][0])
    model = kind(transformers.AutoConfig.for_model(**copy.deepcopy(config))).float().eval()
    is_timm = config["vision_config"].get("model_type") == "timm_wrapper"
    randomise(model, config["model_type"])
    write(model.half(), folder, config)
    if "mmproj" in recipe:
        with tempfile.TemporaryDirectory() as name:
            shutil.copytree(folder, name, dirs_exist_ok=True)
            convert_vision(llama_cpp, Path(name), folder / "mmproj.gguf", recipe["mmproj"])
    model = kind.from_pretrained(folder, dtype=torch.float32, attn_implementation=None if is_timm else "eager").eval()
    if config.get("audio_config"):
        np.savez_compressed(REFERENCE / f"tiny-audio-{family}.npz", allow_pickle=False, **heard(model, config))
    made = KINDS.get(family, Family)(model, config, recipe["grids"], torch.Generator().manual_seed(23))
    reference = made.reference(recipe["prompt"])
    np.savez_compressed(REFERENCE / f"tiny-vision-{family}.npz", allow_pickle=False, **reference)
    deviations = ", ".join(f"{name} {reference[name].std():.2f}" for name in ("vectors", "logits"))
    print(f"{family}: deviations of {deviations}")


def main() -> None:
    torch.set_grad_enabled(False)
    llama_cpp, *families = sys.argv[1:]
    for family in families or sorted(path.stem for path in FAMILIES.glob("*.json")):
        make(Path(llama_cpp), family)


if __name__ == "__main__":
    main()
