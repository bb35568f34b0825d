# ruff: noqa: RUF001
"""Texts that tokenizers are compared on: languages, code, emoji, control characters, long runs, everything mixed."""

from __future__ import annotations

import random

LANGUAGES = [
    "The tower is 324 metres tall, isn't it? They'll say we've DON'T 'S 'LL it's I'D.",
    "Größe: 12345 km², Straße ﬁne ﬂow ÆØÅ",
    "El niño comió 3,14 piñas¿Sí?",
    "Привет, мир! Ёлка № 5",
    "你好，世界！今天是2026年11月26日。",
    "こんにちは世界。カタカナ ｶﾞﾊﾟ ー",
    "안녕하세요 세계 한글",
    "مرحبا بالعالم ١٢٣ السَّلامُ",
    "שָׁלוֹם עולם",
    "नमस्ते दुनिया क्षत्रिय १२३",
    "สวัสดีชาวโลก น้ำ",
    "Xin chào thế giới đường",
    "Γειά σου Κόσμε ΟΔΥΣΣΕΎΣ ὈΔΥΣΣΕΎΣ",
    "İstanbul IĞDIR ılık",
    "বাংলা ভাষা তথ্য",
    "தமிழ் மொழி ஸ்ரீ",
    "ქართული ენა",
    "Հայերեն",
    "አማርኛ",
    "ខ្មែរ",
    "မြန်မာ",
    "ᏣᎳᎩ ꭰꭱ",
    "e\u0301 e\u0308 a\u030a o\u0302\u0301 \u1e9b\u0323 \u212b \u2126",
    "Ⅳ ½ ² ㎏ ﷺ ⑩ ｆｕｌｌ　ｗｉｄｔｈ",
    "ß ſ K \u212a Å",
]
CODE = [
    "def f(x: int) -> str:\n\treturn f'{x!r:>10}'  # ok\r\n\r\n\n    if a<=b and not c: pass\n",
    "for (let i = 0; i < n; ++i) { a[i] *= 0x1F; } // done\n\n\n",
    "SELECT * FROM t WHERE a = 'it''s' AND b >= 1e-10;",
    '<div class="a b">&nbsp;</div>',
    '{"key": [1, 2.5, null, true], "k2": "\\u00e9\\n"}',
    "\\frac{a_1}{b^2} $x$ #tag @user",
    "camelCaseXMLHttp_snake_case-KEBAB CONST_9 v1.2.3-rc+4",
    "https://example.org/a?b=c&d=%20#e",
    "1234567890 12 345 6 7890123 3.14159 1,000,000",
]
EMOJI = ["👍🏽 👩‍👩‍👧‍👦 🇩🇪🇫🇷 ❤️ ☃ 1️⃣ 🏴󠁧󠁢󠁥󠁮󠁧󠁿", "😀😀😀 text😀text", "a\u200db \u200b\u2060\ufeffx \u00a0\u3000\u2003\u1680 \u0085y \u2028z\u2029"]
CONTROL = [
    "".join(map(chr, range(32))),
    "\x7f\x80\x8f\x9f\xad",
    "\ufffd\ufffe\uffff\ufdd1 \U000e0001 \U0010ffff",
    "a\0b",
    "\r\n\r\r\n",
    "\t \t\n \t",
    "\u2581\u2581a \u2581b_",
    "\u0120a\u010a",
]
RUNS = [
    " " * 300,
    "\n" * 300,
    "a" * 300,
    "A" * 100,
    "=" * 200,
    "0" * 100,
    "ab" * 100,
    "漢" * 100,
    "😀" * 50,
    " a" * 50,
    "\r\n" * 40,
    "   x" * 30,
    "\u0301" * 40,
    "e\u0301" * 30,
    "   ",
    " ",
    "",
    "\n",
    "x   ",
    "   x",
    "  x  y  ",
    " \n x \n\n  y",
    "'s's'S'll'LL",
    "aXbYcZ ABCdef",
    "a" * 60 + "1" * 5,
    "...!!!???",
    "a.b,c;d",
    "hello",
    "Hello world",
    "x\n",
    "a b",
    "_",
    "don't",
]


def mixed(count: int, seed: int = 11) -> list[str]:
    draw = random.Random(seed)
    pool = [*LANGUAGES, *CODE, *EMOJI, *CONTROL, *RUNS]
    texts = []
    for _ in range(count):
        parts = []
        for _ in range(draw.randint(1, 6)):
            text = draw.choice(pool)
            at = draw.randint(0, len(text))
            parts.append(text[at : at + draw.randint(1, 30)])
        texts.append("".join(parts))
    return texts


def joined(count: int, seed: int = 12) -> list[str]:
    """Characters that join each other to one, and those that do not."""
    draw = random.Random(seed)
    pools = [
        "abA1 .",
        "éßω\u00a0",
        "\u0600\u06dd\u070f",
        "\u0301\u0308\u0323\u064b",
        "\u0903\u093e\u0e33\u1038",
        "\u200d\u200c\ufe0f",
        "ｶﾊﾞﾟ",
        "ｆ½ﬁ㎏",
    ]
    pools += ["\r\n\t\0", "\u200b\u2028\ufeff", "\u1100\u1161\u11a8가", "😀👩🏽", "🇩🇪", "कषन्\u200d", "\u0344\u0340\u0f73", "漢豈"]
    return ["".join(draw.choice(draw.choice(pools)) for _ in range(60)) for _ in range(count)]


TEXTS = [*LANGUAGES, *CODE, *EMOJI, *CONTROL, *RUNS, *mixed(40), *joined(40)]
