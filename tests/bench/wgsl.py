"""A parser of the WGSL that the compiler writes: a module becomes its variables and the statements of each entry point.

It knows what this project's kernels use (no functions but entry points, `for` loops that count up by one) and refuses all else.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_TOKEN = re.compile(
    r"//[^\n]*|\s+|(?P<number>0x[0-9a-fA-F]+[iu]?|(?:\d+\.\d*(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+)[fh]?|\d+[iufh]?)"
    r"|(?P<name>[A-Za-z_]\w*)|(?P<sign>\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^~!<>=(){}\[\];:,.@])"
)
_LEVELS = (("||",), ("&&",), ("|",), ("^",), ("&",), ("==", "!="), ("<", ">", "<=", ">="), ("<<", ">>"), ("+", "-"), ("*", "/", "%"))
_BINDS = {sign: level for level, signs in enumerate(_LEVELS) for sign in signs}
_GENERIC = ("vec2", "vec3", "vec4", "array", "bitcast", "ptr", "atomic")


@dataclass(frozen=True)
class Expr:
    """kind: number (text: the literal), name, index, member (text: its name), call (text: the function, with its type in `<>`), binary and
    unary (text: the sign)."""

    kind: str
    text: str
    parts: tuple[Expr, ...] = ()


@dataclass(frozen=True)
class Statement:
    """kind: let, var (value may lack), set, if, for (name counts from `value` while `condition`), do (a call), return, break, continue."""

    kind: str
    name: str = ""
    type: str = ""
    target: Expr | None = None
    value: Expr | None = None
    condition: Expr | None = None
    body: tuple[Statement, ...] = ()
    otherwise: tuple[Statement, ...] = ()


@dataclass(frozen=True)
class Variable:
    """Of the module. space: "storage, read", "storage, read_write", "uniform" or "workgroup"."""

    name: str
    space: str
    type: str
    binding: int | None


@dataclass
class EntryPoint:
    """parameters: what a name stands for, as workgroup_id."""

    workgroup: tuple[int, int, int]
    parameters: dict[str, str]
    body: tuple[Statement, ...]


@dataclass
class Module:
    variables: dict[str, Variable] = field(default_factory=dict)
    structs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    entries: dict[str, EntryPoint] = field(default_factory=dict)


def parse(text: str) -> Module:
    """Raises SyntaxError where the text is no module of the kind described above."""
    return _Parser(text).module()


class _Parser:
    def __init__(self, text: str) -> None:
        self._tokens: list[str] = []
        at = 0
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None:
                raise SyntaxError(f"WGSL: {text[at : at + 40]!r}")
            if match.lastgroup is not None:
                self._tokens.append(match.group())
            at = match.end()
        self._tokens.append("")
        self._at = 0

    @property
    def _next(self) -> str:
        return self._tokens[self._at]

    def _take(self, wanted: str | None = None) -> str:
        token = self._next
        if wanted is not None and token != wanted:
            around = " ".join(self._tokens[max(0, self._at - 8) : self._at + 8])
            raise SyntaxError(f"WGSL: {wanted!r} is expected in: {around}")
        self._at += 1
        return token

    def _took(self, token: str) -> bool:
        if self._next == token:
            self._at += 1
            return True
        return False

    def module(self) -> Module:
        module = Module()
        attributes: dict[str, list[str]] = {}
        while self._next:
            if self._took("@"):
                name = self._take()
                attributes[name] = self._words() if self._next == "(" else []
            elif self._took("enable") or self._took("requires") or self._took("diagnostic"):
                while self._take() != ";":
                    pass
            elif self._took("var"):
                variable = self._variable(attributes)
                module.variables[variable.name] = variable
                attributes = {}
            elif self._took("struct"):
                name = self._take()
                module.structs[name] = self._members()
            elif self._took("fn"):
                name = self._take()
                module.entries[name] = self._entry(attributes)
                attributes = {}
            else:
                self._take(";")
        return module

    def _words(self) -> list[str]:
        self._take("(")
        words = []
        while not self._took(")"):
            words.append(self._take())
        return [word for word in words if word != ","]

    def _variable(self, attributes: dict[str, list[str]]) -> Variable:
        space = ""
        if self._took("<"):
            while not self._took(">"):
                space += ", " if self._next == "," else self._next
                self._take()
        name = self._take()
        self._take(":")
        type_ = self._type()
        self._take(";")
        binding = attributes.get("binding")
        return Variable(name, space, type_, int(binding[0]) if binding else None)

    def _members(self) -> tuple[str, ...]:
        self._take("{")
        names = []
        while not self._took("}"):
            names.append(self._take())
            self._take(":")
            self._type()
            self._took(",")
        self._took(";")
        return tuple(names)

    def _entry(self, attributes: dict[str, list[str]]) -> EntryPoint:
        parameters = {}
        if "workgroup_size" not in attributes:
            raise SyntaxError("WGSL: a function that is no entry point")
        self._take("(")
        while not self._took(")"):
            self._take("@")
            self._take("builtin")
            (builtin,) = self._words()
            parameters[self._take()] = builtin
            self._take(":")
            self._type()
            self._took(",")
        x, y, z = [*map(int, attributes["workgroup_size"]), 1, 1][:3]
        return EntryPoint((x, y, z), parameters, self._block())

    def _type(self) -> str:
        text = self._take()
        if self._took("<"):
            inner = [self._type()]
            while self._took(","):
                inner.append(self._type())
            if self._next == ">>":
                self._tokens[self._at : self._at + 1] = [">", ">"]
            self._take(">")
            text += f"<{','.join(inner)}>"
        return text

    def _block(self) -> tuple[Statement, ...]:
        self._take("{")
        statements: list[Statement] = []
        while not self._took("}"):
            statements += self._statement()
        return tuple(statements)

    def _statement(self) -> list[Statement]:
        if self._took(";"):
            return []
        if self._next == "{":
            return list(self._block())
        if self._took("if"):
            return [self._if()]
        if self._took("for"):
            return [self._for()]
        for kind in ("return", "break", "continue"):
            if self._took(kind):
                self._take(";")
                return [Statement(kind)]
        if self._next in ("let", "var"):
            statement = self._declaration()
            self._take(";")
            return [statement]
        target = self._unary()
        if target.kind == "call":
            statement = Statement("do", value=target)
        else:
            self._take("=")
            statement = Statement("set", target=target, value=self._expression())
        self._take(";")
        return [statement]

    def _declaration(self) -> Statement:
        kind, name = self._take(), self._take()
        type_ = self._type() if self._took(":") else ""
        return Statement(kind, name, type_, value=self._expression() if self._took("=") else None)

    def _if(self) -> Statement:
        condition, body = self._expression(), self._block()
        otherwise: tuple[Statement, ...] = ()
        if self._took("else"):
            otherwise = (self._if(),) if self._took("if") else self._block()
        return Statement("if", condition=condition, body=body, otherwise=otherwise)

    def _for(self) -> Statement:
        self._take("(")
        begin = self._declaration()
        self._take(";")
        condition = self._expression()
        self._take(";")
        self._take(begin.name)
        self._take("++")
        self._take(")")
        return Statement("for", begin.name, begin.type, value=begin.value, condition=condition, body=self._block())

    def _expression(self, least: int = 0) -> Expr:
        """Of signs that bind as `least` at least."""
        left = self._unary()
        while (binds := _BINDS.get(self._next, -1)) >= least:
            sign = self._take()
            left = Expr("binary", sign, (left, self._expression(binds + 1)))
        return left

    def _unary(self) -> Expr:
        if self._next in ("-", "!", "~"):
            return Expr("unary", self._take(), (self._unary(),))
        if self._took("("):
            value = self._expression()
            self._take(")")
        elif self._next[:1].isdigit():
            value = Expr("number", self._take())
        else:
            name = self._type() if self._next in _GENERIC else self._take()
            if self._took("("):
                arguments = []
                while not self._took(")"):
                    arguments.append(self._expression())
                    self._took(",")
                value = Expr("call", name, tuple(arguments))
            else:
                value = Expr("name", name)
        while self._next in ("[", "."):
            if self._took("["):
                value = Expr("index", "", (value, self._expression()))
                self._take("]")
            else:
                self._take(".")
                value = Expr("member", self._take(), (value,))
        return value
