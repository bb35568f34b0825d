"""FastVLM (https://arxiv.org/abs/2412.13303): FastViTHD on a picture as a whole, each of whose places becomes a vector by two matrices."""

from __future__ import annotations

from webllm_build.model import common
from webllm_build.model.config import Reader
from webllm_build.model.names import FileNames, Names
from webllm_build.model.pictures import Pictures
from webllm_build.model.vision.fast_vit import FastVit, Stage
from webllm_build.model.vision.llava import PROJECTOR
from webllm_build.model.vision.projector import Projector
from webllm_build.model.vision.tower import Batch, Tower

TYPES = ("timm_wrapper",)
ARCHITECTURE = "fastvit_mci3"
DEPTHS, CHANNELS, RATIOS, ATTEND = (2, 12, 24, 4, 2), (96, 192, 384, 768, 1536), (4,) * 5, 3  # the first stage with attention
TIMM = "vision_tower.timm_model."
BLOCKS = {
    "mixer": "token_mixer.reparam_conv",
    "around": "mlp.conv.conv",
    "around_norm": "mlp.conv.bn",
    "up": "mlp.fc1",
    "down": "mlp.fc2",
    "norm": "norm",
    "qkv": "token_mixer.qkv",
    "out": "token_mixer.proj",
    "out_scale": "layer_scale_1.gamma",
}
STAGE = {"halve": "downsample.proj.0.reparam_conv", "halved": "downsample.proj.1.reparam_conv", "positions": "pos_emb.reparam_conv"}
TENSORS = {
    **{f"stem{number}": f"{TIMM}stem.{number}.reparam_conv" for number in range(3)},
    **{f"stage{stage}.{part}": f"{TIMM}stages.{stage}.{name}" for stage in range(len(DEPTHS)) for part, name in STAGE.items()},
    **{f"stage{stage}.{part}": f"{TIMM}stages.{stage}.blocks.{{}}.{name}" for stage in range(len(DEPTHS)) for part, name in BLOCKS.items()},
    **{
        f"stage{stage}.mlp_scale": f"{TIMM}stages.{stage}.blocks.{{}}.layer_scale{'_2' if stage >= ATTEND else ''}.gamma"
        for stage in range(len(DEPTHS))
    },
    "final": f"{TIMM}final_conv.reparam_conv",
    "squeeze": f"{TIMM}final_conv.se.fc1",
    "excite": f"{TIMM}final_conv.se.fc2",
}
_FILES = FileNames({**TENSORS, **PROJECTOR})
NAMES = Names(hugging_face=_FILES, gguf=_FILES)
# Its own are those of what is pooled, which nobody reads.
IGNORED = frozenset(
    {"do_pooling", "global_pool", "hidden_size", "initializer_range", "label_names", "num_classes", "num_features", "pretrained_cfg"}
)


def read(config: Reader, outer: Reader, text: Reader, batch: Batch) -> tuple[Tower, Pictures]:
    config.one_of("architecture", (ARCHITECTURE,), default=ARCHITECTURE)
    config.one_of("model_type", TYPES, default=TYPES[0])
    outer.must_be("vision_feature_layer", -1)
    outer.one_of("vision_feature_select_strategy", ("full",), default="full")
    outer.one_of("image_aspect_ratio", ("pad", "square"), default="square")  # its makers'
    outer.one_of("mm_projector_type", ("mlp2x_gelu",), default="mlp2x_gelu")
    outer.one_of("mm_patch_merge_type", ("flat",), default="flat")
    outer.must_be("mm_use_im_start_end", False)
    sizes, count = config.inside("model_args"), len(DEPTHS)
    sizes.must_be("inference_mode", True)
    depths, channels = sizes.dimensions("layers", count, default=DEPTHS), sizes.dimensions("embed_dims", count, default=CHANNELS)
    ratios = sizes.dimensions("mlp_ratios", count, default=RATIOS)
    sizes.finish()
    stages = [Stage(*of, attends=number >= ATTEND) for number, of in enumerate(zip(depths, channels, ratios, strict=True))]
    columns, bias = text.integer("hidden_size"), outer.flag("multimodal_projector_bias", default=True)
    activation = common.read_activation(outer, "projector_hidden_act", default="gelu")
    return FastVit(NAMES, stages, Projector(1, columns, inner=columns, activation=activation, bias=bias), batch), Pictures()
