"""How text is cut before byte-pair merges, by a GGUF's tokenizer.ggml.pre, as llama.cpp cuts it (llama-vocab.cpp).

Published expressions say (?i:'s|...), which not every browser has: spelt out here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from webllm_build.errors import UnsupportedTokenizer, warn

CONTRACTIONS = r"'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]"
REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
CASED = (  # words, and words in one case
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+{suffix}"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*{suffix}"
    r"|\p{N}{digits}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
HAN, KANA = "\u4e00-\u9fa5", "\u3040-\u309f\u30a0-\u30ff"


@dataclass(frozen=True)
class PreTokenizer:
    """patterns: expressions that isolate what they match, applied in order.

    ignore_merges: a piece that is a token as a whole is taken without merging. add_bos: text begins with bos, unless the file says.
    normalizer: of tokenizer.json.
    """

    patterns: tuple[str, ...]
    ignore_merges: bool = False
    add_bos: bool = False
    normalizer: str | None = None


GPT2 = PreTokenizer((r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",))
DIGITS = PreTokenizer((r"\p{N}", *GPT2.patterns))
SMAUG = PreTokenizer((rf"{CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}{{1,3}}|{REST}",))
LLAMA3 = replace(SMAUG, ignore_merges=True, add_bos=True)
QWEN2 = PreTokenizer((rf"{CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?\p{{L}}+|\p{{N}}|{REST}",), normalizer="NFC")
WITH_MARKS = REST.replace(r"\p{L}", r"\p{L}\p{M}")
QWEN35 = PreTokenizer((rf"{CONTRACTIONS}|[^\r\n\p{{L}}\p{{N}}]?[\p{{L}}\p{{M}}]+|\p{{N}}|{WITH_MARKS}",))
DEEPSEEK_LLM = PreTokenizer(
    (
        r"[\r\n]",
        r"\s?[\p{Lu}\p{Ll}\p{Lt}]+",
        "\\s?[!-/:-~\uff01-\uff0f\uff1a-\uff5e\u2018-\u201f\u3000-\u3002]+",
        r"\s+$",
        f"[{HAN}\u0800-\u4e00\uac00-\ud7ff]+",
        r"\p{N}+",
    )
)
DEEPSEEK_CODER = PreTokenizer((r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", f"[{HAN}\u0800-\u4e00\uac00-\ud7ff]+", r"\p{N}"))
DEEPSEEK3 = PreTokenizer(
    (
        r"\p{N}{1,3}",
        f"[{HAN}{KANA}]+",
        r"[!-/:-@\[-`{-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    )
)
TEKKEN = PreTokenizer((CASED.replace("{suffix}", "").replace("{digits}", ""),), ignore_merges=True, add_bos=True)
GPT4O = PreTokenizer((CASED.replace("{suffix}", f"(?:{CONTRACTIONS})?").replace("{digits}", "{1,3}"),))
MINICPM5 = PreTokenizer((r"\p{N}{1,3}", SMAUG.patterns[0].replace("{1,3}", "+")), ignore_merges=True)
SPARK = PreTokenizer(
    (*DEEPSEEK3.patterns[:2], DEEPSEEK3.patterns[2].replace(r"[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+", r"[\p{P}\p{S}]+|[\r\n]"), r"\p{N}")
)
YOUTU = PreTokenizer(
    (
        "[\uac00-\ud7a3\u3131-\u318e]+|[\uff01\u2026\u201c\u201d\u2018\u2019\u2014\uff1a\uff1b\uff0c\u3001-\u303f\ufe30-\ufe4f]+"
        f"|[\u3105-\u312f]+|[{HAN}{KANA}]+",
        GPT4O.patterns[0].replace("{1,3}", ""),
    ),
    ignore_merges=True,
)
JAIS2_SPACES = "|".join([*(rf"\s{{{count}}}(?!\S)" for count in (512, 256, 128, 64, 32, 16, 8, 4)), r"\s{1,2}(?!\S)", r"\s{1}"])
JAIS2 = PreTokenizer((SMAUG.patterns[0].replace(r"\s+(?!\S)|\s+", JAIS2_SPACES),))
TINY_AYA = PreTokenizer((r"\d{1,3}(?=(?:\d{3})*\b)", *GPT4O.patterns))
BAILING = PreTokenizer((QWEN2.patterns[0].replace(r"\s*[\r\n]+", r"\s*[\r\n]"),))
SEED_CODER = PreTokenizer((QWEN2.patterns[0].replace(r"[^\s\p{L}\p{N}]+[\r\n]*", r"[^\s\p{L}\p{N}\r\n]+"),))
EXAONE_MOE = PreTokenizer(
    (
        BAILING.patterns[0]
        .replace(r"?\p{L}+", r"?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+")
        .replace(r"[^\s\p{L}\p{N}]+[\r\n]*", r"[^\s\p{L}\p{N}]+[\r\n/]?"),
    )
)
CHAMELEON = PreTokenizer(
    (
        *("<sentinel:[0-9]+>", "IMGIMG[A-I]{1,4}Z", r"[\t\n]|    |  ", r"\p{N}", r"[\p{P}!-/:-@\[-`{-~]"),
        *GPT2.patterns,
    ),
    add_bos=True,
)
FALCON = PreTokenizer((r"[\p{P}$+<=>^~|`]+", *GPT2.patterns, "[0-9][0-9][0-9]"))
BLOOM = PreTokenizer((" ?[^(\\s|.,!?\u2026\u3002\uff0c\u3001\u0964\u06d4\u060c)]+",))
DEFAULT = PreTokenizer((r"[\p{P}$+<=>^~|]+", *GPT2.patterns, r"\p{N}+", "[0-9][0-9][0-9]"))

_KINDS: Mapping[str, tuple[PreTokenizer, str]] = {
    "gpt-2": (
        GPT2,
        "phi-2 jina-es jina-de jina-v1-en jina-v2-es jina-v2-de jina-v2-code gigachat a.x-4.0 mellum modern-bert mpt olmo jais trillion "
        "exaone4 granite-docling roberta-bpe",
    ),
    "smollm": (DIGITS, "starcoder refact command-r codeshell exaone mellum2 minerva-7b"),
    "llama-bpe": (LLAMA3, "llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano"),
    "smaug-bpe": (SMAUG, "dbrx chatglm-bpe"),
    "glm4": (replace(SMAUG, ignore_merges=True), "glm5"),
    "qwen2": (QWEN2, "deepseek-r1-qwen megrez kormo f2llmv2"),
    "stablelm2": (replace(QWEN2, normalizer=None), "hunyuan solar-open grok-2"),
    "qwen35": (QWEN35, ""),
    "deepseek-llm": (DEEPSEEK_LLM, ""),
    "deepseek-coder": (DEEPSEEK_CODER, ""),
    "deepseek-v3": (DEEPSEEK3, "hunyuan-dense hy_v4 joyai-llm"),
    "tekken": (TEKKEN, ""),
    "gpt-4o": (GPT4O, "llama4 kanana2 minimax-m2 talkie"),
    "falcon": (FALCON, ""),
    "bloom": (BLOOM, "poro-chat gpt3-finnish"),
    "viking": (PreTokenizer((*BLOOM.patterns, r"\p{N}")), ""),
    "minicpm5": (MINICPM5, ""),
    "spark2_5": (SPARK, ""),
    "youtu": (YOUTU, ""),
    "jais-2": (JAIS2, ""),
    "granite-embed-multi-97m": (replace(GPT4O, ignore_merges=True), ""),
    "tiny_aya": (TINY_AYA, "cohere2moe"),
    "superbpe": (PreTokenizer((r"\p{N}+", r"(?=(\d{3})+(?!\d))")), ""),
    "bailingmoe": (BAILING, "bailingmoe2 llada-moe"),
    "seed-coder": (SEED_CODER, ""),
    "ufakzeka": (PreTokenizer((QWEN2.patterns[0].removeprefix(f"{CONTRACTIONS}|"),)), ""),
    "laguna": (PreTokenizer((r"[^\n]+|[\n]+", *QWEN2.patterns)), ""),
    "exaone-moe": (EXAONE_MOE, ""),
    "chameleon": (CHAMELEON, ""),
    "default": (DEFAULT, ""),
}
PRE_TOKENIZERS: Mapping[str, PreTokenizer] = {name: pre for first, (pre, others) in _KINDS.items() for name in (first, *others.split())}

# What vocabularies of known families hold and how many tokens they have at least and at most, for files that do not name their kind.
_FAMILIES: tuple[tuple[str, str, int, int], ...] = (
    ("llama-bpe", "<|begin_of_text|>", 128000, 128300),
    ("qwen2", "<|endoftext|>", 151640, 152100),
    ("deepseek-llm", "<\uff5cbegin\u2581of\u2581sentence\uff5c>", 100000, 102400),
    ("deepseek-coder", "<\uff5cbegin\u2581of\u2581sentence\uff5c>", 32000, 32300),
    ("deepseek-v3", "<\uff5cbegin\u2581of\u2581sentence\uff5c>", 128000, 129300),
    ("tekken", "[INST]", 131000, 131100),
    ("smollm", "<|endoftext|>", 49000, 49300),
    ("gpt-2", "<|endoftext|>", 50000, 50400),
)


def pre_tokenizer(path: object, kind: str | None, tokens: Collection[str]) -> PreTokenizer:
    """The one of that name; where the file names none, or the one that fits no model well, that of a family with such a vocabulary.

    path: for messages. Raises UnsupportedTokenizer for a name that is not known.
    """
    if kind in (None, "", "none", "default"):
        likely = (name for name, token, least, most in _FAMILIES if least <= len(tokens) <= most and token in tokens)
        guess = next(likely, "default")
        warn(f"{path} does not say how text is cut before merging (tokenizer.ggml.pre). Taken: {guess}. A wrong one makes worse answers.")
        return PRE_TOKENIZERS[guess]
    if kind not in PRE_TOKENIZERS:
        raise UnsupportedTokenizer(
            f"{path}: pre-tokenizer of the kind {kind!r}",
            f"Known kinds: {', '.join(PRE_TOKENIZERS)}. The model's Hugging Face folder may work.",
        )
    return PRE_TOKENIZERS[kind]
