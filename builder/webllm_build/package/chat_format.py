"""How models write thoughts and calls of tools: data for the page's parser, one row a format, recognised by what a chat template writes.

The page reads a row from the manifest (runtime_js/src/formats/format.ts): a new format of a known syntax is a row here and nothing else.
In texts around names and keys, `{}` is anything short: a number, an id, a type.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class JsonSyntax:
    """A call is an object, which `is_list` puts into a list. name, arguments: its keys; without, the name is the key of the arguments."""

    name: str = "name"
    arguments: str = "arguments"
    is_list: bool = False
    kind: str = "json"


@dataclass(frozen=True)
class NamedSyntax:
    """A call is a name, perhaps behind `prefix`, then `separator`, then the arguments as JSON."""

    separator: str
    prefix: str = ""
    kind: str = "named"


@dataclass(frozen=True)
class ParametersSyntax:
    """A call is a name, then keys and values, all between tags. Values are texts, or JSON where the tool's schema wants something else;
    where a format says itself which it is, `text_kind` or `json_kind` stands behind the key."""

    name_begin: str
    name_end: str
    key_begin: str
    key_end: str
    value_end: str
    value_begin: str = ""
    end: str = ""
    text_kind: str = ""
    json_kind: str = ""
    kind: str = "parameters"


@dataclass(frozen=True)
class ElementsSyntax:
    """A call is a name, then its arguments as elements like XML's, one in another; `mark` stands before each of their tags, and before the
    one that closes with `end`. Entries of a list are elements called `item`."""

    name_begin: str
    name_end: str
    mark: str
    end: str
    item: str = "item"
    kind: str = "elements"


@dataclass(frozen=True)
class PythonSyntax:
    """A call is Python's, or some of a list of them."""

    kind: str = "python"


@dataclass(frozen=True)
class FieldsSyntax:
    """A call is `name{key:value}` behind `prefix`; texts stand between two `quote`."""

    quote: str
    prefix: str = "call:"
    kind: str = "fields"


Syntax = JsonSyntax | NamedSyntax | ParametersSyntax | ElementsSyntax | PythonSyntax | FieldsSyntax


@dataclass(frozen=True)
class ToolFormat:
    """begin: any of these opens a call, or a list of calls; the first is the usual one. end: what closes it, empty for nothing.
    bare: whether an answer may also begin with a call at once. opened: what prompts end with, so that an answer goes on with it.
    syntax: what stands between."""

    name: str
    begin: tuple[str, ...]
    syntax: Syntax
    end: str = ""
    bare: bool = False
    opened: str = ""


@dataclass(frozen=True)
class Thinking:
    """The texts around a thought."""

    begin: str
    end: str


@dataclass(frozen=True)
class Row:
    """marks: texts that a template which writes this format has, all of them. skipped: tags that say nothing. thinking: where the template
    does not have it as it is written."""

    tools: ToolFormat
    marks: tuple[str, ...]
    skipped: tuple[str, ...] = ()
    thinking: Thinking | None = None


def deepseek(tag: str) -> str:
    return f"<\uff5ctool▁{tag}\uff5c>"


DEEPSEEK = (deepseek("calls▁begin"), deepseek("calls▁end"))
HARMONY = ("<|channel|>final<|message|>", "<|channel|>commentary<|message|>", "<|start|>assistant", "<|end|>", "<|return|>", "<|call|>")
LIST = JsonSyntax(is_list=True)
XML = ParametersSyntax("<function=", ">", "<parameter=", ">", "</parameter>", end="</function>")
INVOKE = ParametersSyntax('<invoke name="', '">', '<parameter name="', '">', "</parameter>", end="</invoke>")
ARG_KEYS = ParametersSyntax("", "", "<arg_key>", "</arg_key>", "</arg_value>", "<arg_value>")
PARAM = ParametersSyntax("", '">', '<param name="', '">', "</param>")
LFM2 = ToolFormat("lfm2", ("<|tool_call_start|>",), PythonSyntax(), "<|tool_call_end|>")
KIMI = ("<|tool_calls_section_begin|>", "<|tool_calls_section_end|>")
K3_KINDS = {"text_kind": ' type="string"', "json_kind": ' type="{}"'}
K3 = ParametersSyntax("", '" index="{}"<|sep|>', '<|open|>argument key="', '"', "<|close|>argument<|sep|>", "<|sep|>", **K3_KINDS)
K3_SKIPPED = tuple(f"<|{edge}|>{part}<|sep|>" for part in ("response", "tools") for edge in ("open", "close"))
M3 = "]<]minimax[>["
SOLAR = ("<|begin|>assistant", "<|tool_calls|>", "<|calls|>", "<|content|>", "<|end|>")
MUSE = ParametersSyntax(
    '{}<|message|><atem:function_calls>\n<atem:invoke name="',
    '">',
    '<atem:parameter name="',
    '">',
    "</atem:parameter>",
    end="</atem:invoke>",
)


def dsml(tag: str) -> ToolFormat:
    """DeepSeek's markup, whose calls stand in an element of this name."""
    mark = "\uff5cDSML\uff5c"
    syntax = ParametersSyntax(
        f'<{mark}invoke name="',
        '">',
        f'<{mark}parameter name="',
        '"',
        f"</{mark}parameter>",
        ">",
        f"</{mark}invoke>",
        ' string="true"',
        ' string="false"',
    )
    return ToolFormat(f"dsml-{tag.replace('_', '-')}", (f"<{mark}{tag}>",), syntax, f"</{mark}{tag}>")


def hunyuan(tag: str) -> str:
    return f"<{tag}:opensource>"


HUNYUAN = ParametersSyntax("", hunyuan("tool_sep"), hunyuan("arg_key"), hunyuan("/arg_key"), hunyuan("/arg_value"), hunyuan("arg_value"))

# The first row whose marks a template has is its format.
ROWS = (
    Row(
        ToolFormat("harmony", ("<|channel|>commentary to=functions.", "to=functions."), NamedSyntax("<|message|>"), "<|call|>"),
        ("<|channel|>commentary", "functions."),
        HARMONY,
    ),
    Row(
        ToolFormat(
            "deepseek-r1",
            (f"{deepseek('call▁begin')}function{deepseek('sep')}",),
            NamedSyntax("\n```json\n"),
            f"\n```{deepseek('call▁end')}",
        ),
        (deepseek("call▁begin"), "```json"),
        DEEPSEEK,
    ),
    Row(
        ToolFormat("deepseek", (deepseek("call▁begin"),), NamedSyntax(deepseek("sep")), deepseek("call▁end")),
        (deepseek("call▁begin"),),
        DEEPSEEK,
    ),
    Row(dsml("function_calls"), ("DSML", "function_calls>")),
    Row(dsml("tool_calls"), ("DSML", "tool_calls>")),
    Row(
        ToolFormat("kimi-k3", ('<|open|>call tool="',), K3, "<|close|>call<|sep|>"),
        ("open_tag('think'", "'<|open|>'"),
        (*K3_SKIPPED, "<|close|>message<|sep|>"),
        Thinking("<|open|>think<|sep|>", "<|close|>think<|sep|>"),
    ),
    Row(
        ToolFormat("kimi", ("<|tool_call_begin|>",), NamedSyntax("<|tool_call_argument_begin|>", "functions."), "<|tool_call_end|>"),
        ("<|tool_call_begin|>",),
        KIMI,
    ),
    Row(ToolFormat("mistral", ("[TOOL_CALLS]",), NamedSyntax("[ARGS]")), ("[TOOL_CALLS]", "[ARGS]")),
    Row(ToolFormat("mistral-list", ("[TOOL_CALLS]",), LIST), ("[TOOL_CALLS]",)),
    Row(LFM2, ("<|tool_call_start|>",)),
    Row(LFM2, ("<|tool_list_start|>",)),
    Row(LFM2, ("List of tools: [",)),
    Row(ToolFormat("gemma", ("<|tool_call>",), FieldsSyntax('<|"|>'), "<tool_call|>"), ("<|tool_call>",)),
    Row(
        ToolFormat("function-gemma", ("<start_function_call>",), FieldsSyntax("<escape>"), "<end_function_call>"),
        ("<start_function_call>",),
    ),
    Row(ToolFormat("granite", ("<|tool_call|>",), LIST), ("<|tool_call|>", "available_tools")),
    Row(ToolFormat("phi", ("<|tool_call|>", "functools"), LIST, "<|/tool_call|>"), ("<|tool|>",)),
    Row(ToolFormat("functionary", ("<function=",), NamedSyntax(">"), "</function>"), ("<function=", "python_tag")),
    Row(ToolFormat("functionary-v3.2", (">>>",), NamedSyntax("\n"), opened=">>>"), (">>>all", ">>>${recipient}"), (">>>all\n",)),
    Row(ToolFormat("firefunction", ("functools",), LIST), ("functools[",)),
    Row(ToolFormat("apertus", ("<|tools_prefix|>",), JsonSyntax("", "", is_list=True), "<|tools_suffix|>"), ("<|tools_prefix|>",)),
    Row(ToolFormat("gigachat", ("function call<|role_sep|>",), JsonSyntax(), "<|message_sep|>"), ("'function call'", "role_sep")),
    Row(ToolFormat("gigachat-tag", ("<|function_call|>",), JsonSyntax(), "<|message_sep|>"), ("<|function_call|>", "role_sep")),
    Row(
        ToolFormat(
            "solar",
            ("<|tool_call:begin|>",),
            NamedSyntax("<|tool_call:args|>", "{}<|tool_call:name|>"),
            "<|tool_call:end|>",
        ),
        ("<|tool_call:name|>",),
        SOLAR,
        Thinking("<|think|>", "<|end|>"),
    ),
    Row(
        ToolFormat("muse", (" to=", "<|start|>assistant to="), MUSE, "</atem:function_calls>"),
        ("atem:invoke", "to=self"),
        (" to=user<|message|>", "<|start|>assistant to=user<|message|>", "<|eom|>", "<|eot|>"),
        Thinking(" to=self<|message|>", "<|eom|>"),
    ),
    Row(ToolFormat("minicpm", ('<function name="',), PARAM, "</function>"), ('<function name="', '<param name="')),
    Row(
        ToolFormat("hunyuan", (hunyuan("tool_call"),), HUNYUAN, hunyuan("/tool_call")),
        ("<tool_call{}>", "<arg_key{}>", ":opensource"),
        (hunyuan("tool_calls"), hunyuan("/tool_calls")),
        Thinking(hunyuan("think"), hunyuan("/think")),
    ),
    Row(ToolFormat("nemotron", ("<TOOLCALL>",), LIST, "</TOOLCALL>"), ("<TOOLCALL>",)),
    Row(
        ToolFormat("command", ("<|START_ACTION|>",), JsonSyntax("tool_name", "parameters", is_list=True), "<|END_ACTION|>"),
        ("<|START_ACTION|>",),
    ),
    Row(
        ToolFormat(
            "command-r-plus",
            ("Action:\n```json", "Action: ```json", "Action:```json"),
            JsonSyntax("tool_name", "parameters", is_list=True),
            "```",
        ),
        ("'Action:\\' followed by", "tool_name"),
    ),
    Row(
        ToolFormat("minimax-m3", (f"{M3}<tool_call>",), ElementsSyntax(f'{M3}<invoke name="', '">', M3, "invoke>"), f"{M3}</tool_call>"),
        (M3, "to_xml"),
        thinking=Thinking("<mm:think>", "</mm:think>"),
    ),
    Row(ToolFormat("minimax", ("<minimax:tool_call>",), INVOKE, "</minimax:tool_call>"), ("<minimax:tool_call>", "<invoke name=")),
    Row(ToolFormat("seed", ("<seed:tool_call>",), XML, "</seed:tool_call>"), ("<seed:tool_call>",)),
    Row(ToolFormat("qwen-coder", ("<tool_call>",), XML, "</tool_call>"), ("<tool_call>", "<parameter=")),
    Row(ToolFormat("glm", ("<tool_call>",), ARG_KEYS, "</tool_call>"), ("<tool_call>", "<arg_key>")),
    Row(ToolFormat("tool-calls", ("<tool_calls>",), LIST, "</tool_calls>"), ("<tool_calls>[",)),
    Row(ToolFormat("tool-calls-lines", ("<tool_calls>",), JsonSyntax(), "</tool_calls>"), ("<tool_calls>",)),
    Row(ToolFormat("hermes", ("<tool_call>",), JsonSyntax(), "</tool_call>"), ("<tool_call>",)),
    Row(
        ToolFormat("llama", ("<|python_tag|>",), JsonSyntax(arguments="parameters"), bare=True), ('{"name": function name, "parameters":',)
    ),
)
NAMES = tuple(dict.fromkeys(row.tools.name for row in ROWS))

# Looked for in this order. Some templates only cut thoughts out, and know only what closes them; gpt-oss closes other things so, too.
THOUGHTS = (
    Thinking("<|channel|>analysis<|message|>", "<|end|>"),
    Thinking("<|channel>thought", "<channel|>"),
    Thinking("[THINK]", "[/THINK]"),
    Thinking("<|START_THINKING|>", "<|END_THINKING|>"),
    Thinking("<seed:think>", "</seed:think>"),
    Thinking("<|inner_prefix|>", "<|inner_suffix|>"),
    Thinking("Here are my reasoning steps:", "[BEGIN FINAL RESPONSE]"),
    Thinking("<think>", "</think>"),
)


@dataclass(frozen=True)
class ChatFormat:
    """thinking, tools: None where the model's template knows nothing of it. skipped: tags that say nothing."""

    thinking: Thinking | None = None
    tools: ToolFormat | None = None
    skipped: tuple[str, ...] = ()

    def to_json(self) -> dict[str, object]:
        """What a manifest has of it, as it is read again: what is None is not there, and a list is a list."""
        fields: dict[str, object] = json.loads(json.dumps(asdict(self)))
        return {name: value for name, value in fields.items() if value is not None}


def recognise(config: Mapping[str, object], tool_format: str = "auto") -> ChatFormat:
    """The format that the chat templates of a tokenizer_config.json write. tool_format: the name of a row to take instead, or none."""
    text = "\n".join(str(config.get(key) or "") for key in ("chat_template", "tool_template"))
    thinking = next((thought for thought in THOUGHTS if thought.begin in text or (thought.end in text and thought.end != "<|end|>")), None)
    speaks_of_tools = "tools" in text or "tool_calls" in text
    found = next((row for row in ROWS if speaks_of_tools and all(mark in text for mark in row.marks)), None)
    row = found if tool_format == "auto" else next((row for row in ROWS if row.tools.name == tool_format), None)
    if found is not None and found.thinking is not None:
        thinking = found.thinking
    return ChatFormat(thinking) if row is None else ChatFormat(thinking, row.tools, row.skipped)
