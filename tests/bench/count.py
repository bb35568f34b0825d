"""What one workgroup of a kernel executes, counted by kind from its WGSL.

The text is walked through as an invocation would: loops count with the numbers that they have, conditions are taken as they fall for that
invocation, and each value is numbered by how it came to be, so that what a compiler computes once (common subexpressions, what a loop does
not change) is counted once. Sums of products are counted as fused, an offset in an address as free. The first invocation of every 32
stands for its neighbours.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from wgsl import EntryPoint, Expr, Module, Statement

SUBGROUP = 32
WALKED = 3  # rounds of a longer one: the last of them stands for all that follow
UNPACKED = "two halves of a word"
# Kinds of instructions: f32, f16, int, dot8 (four products of bytes), widen (float16 to float32), convert (other numbers), special (exp,
# 1/x), shuffle, load, store, shared (both, of workgroup memory), barrier.
UNROLLED = 8  # rounds of a loop that compilers write out

Reader = Callable[[str, int], "int | None"]


@dataclass(frozen=True)
class Counts:
    """Of one workgroup, the one in the middle of the grid. instructions: by kind, of all invocations and of those that a subgroup lacks.
    bytes: that they load and store, by what holds them ("load", "store", "shared"). workgroups: of the dispatch."""

    instructions: Mapping[str, float]
    bytes: Mapping[str, float]
    workgroups: int
    threads: int

    def of_dispatch(self) -> tuple[dict[str, float], dict[str, float]]:
        return ({k: v * self.workgroups for k, v in self.instructions.items()}, {k: v * self.workgroups for k, v in self.bytes.items()})


@dataclass(frozen=True)
class _Value:
    """key: of how it came to be. number: where it is known for this invocation. literal: known to a compiler. parts: of a vector that was
    put together. fuses: a product that one sum which it goes into has for nothing."""

    key: int
    type: str
    number: float | bool | None = None
    literal: bool = False
    parts: tuple[_Value, ...] = ()
    fuses: bool = False

    @property
    def scalar(self) -> str:
        return "f32" if self.type == UNPACKED else re.sub(r"^vec\d<(.*)>$", r"\1", self.type)

    @property
    def width(self) -> int:
        return 2 if self.type == UNPACKED else int(self.type[3]) if self.type.startswith("vec") else 1


class _Return(Exception):
    pass


class _Break(Exception):
    pass


def count(module: Module, entry: str, grid: Sequence[int], uniform: Sequence[int], read: Reader) -> Counts:
    """uniform: words of the uniform buffer. read(binding, index): an integer that is in a storage buffer, None where nobody knows:
    conditions that hang on such are taken as true, and loops as of one round."""
    point = module.entries[entry]
    threads = math.prod(point.workgroup)
    instructions: Counter[str] = Counter()
    moved: Counter[str] = Counter()
    for first in range(0, threads, SUBGROUP):
        walk = _Walk(module, point, [size // 2 for size in grid], grid, first, uniform, read)
        walk.run()
        lanes = SUBGROUP
        for kind, executed in walk.instructions.items():
            instructions[kind] += executed * lanes
        for kind, size in walk.bytes.items():
            moved[kind] += size * min(lanes, threads - first)
    return Counts(instructions, moved, math.prod(grid), threads)


@dataclass
class _Walk:
    module: Module
    point: EntryPoint
    workgroup: Sequence[int]
    grid: Sequence[int]
    thread: int
    uniform: Sequence[int]
    read: Reader
    instructions: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)
    _keys: dict[tuple[object, ...], int] = field(default_factory=dict)
    _names: dict[str, _Value] = field(default_factory=dict)
    _arrays: dict[str, dict[int | None, _Value]] = field(default_factory=dict)
    _types: dict[str, str] = field(default_factory=dict)
    _versions: Counter[str] = field(default_factory=Counter)
    _fused: set[int] = field(default_factory=set)

    def run(self) -> None:
        x, y, _ = self.point.workgroup
        place = {
            "workgroup_id": tuple(self.workgroup),
            "num_workgroups": tuple(self.grid),
            "local_invocation_id": (self.thread % x, self.thread // x % y, self.thread // (x * y)),
        }
        for name, builtin in self.point.parameters.items():
            parts = tuple(_Value(self._key(builtin, i), "u32", number) for i, number in enumerate(place[builtin]))
            self._names[name] = _Value(self._key(builtin), "vec3<u32>", parts=parts)
        with suppress(_Return):
            self._block(self.point.body)

    # Values

    def _key(self, *origin: object) -> int:
        return self._keys.setdefault(origin, len(self._keys))

    def _new(
        self, kind: str, cost: int, origin: tuple[object, ...], type_: str, number: float | bool | None = None, fuses: bool = False
    ) -> _Value:
        if origin not in self._keys:
            self.instructions[kind] += cost
        return _Value(self._key(*origin), type_, number, fuses=fuses)

    def _literal(self, number: float | bool, type_: str) -> _Value:
        return _Value(self._key("literal", type_, number), type_, number, literal=True)

    def _number(self, text: str) -> _Value:
        if text[-1] in "iu":
            return self._literal(int(text[:-1], 0), f"{text[-1]}32")
        if text[-1] in "fh" and not text.startswith("0x"):
            return self._literal(float(text[:-1]), "f32" if text[-1] == "f" else "f16")
        return self._literal(float(text), "f32") if "." in text or "e" in text else self._literal(int(text, 0), "i32")

    def value(self, expr: Expr) -> _Value:
        match expr.kind:
            case "number":
                return self._number(expr.text)
            case "name":
                if expr.text in ("true", "false"):
                    return self._literal(expr.text == "true", "bool")
                return self._names[expr.text]
            case "index":
                return self._element(expr.parts[0], expr.parts[1])
            case "member":
                return self._member(expr.parts[0], expr.text)
            case "unary":
                return self._unary(expr.text, self.value(expr.parts[0]))
            case "binary":
                return self._binary(expr.text, self.value(expr.parts[0]), self.value(expr.parts[1]))
        return self._call(expr.text, expr.parts)

    def _member(self, of: Expr, name: str) -> _Value:
        if of.kind == "name" and of.text in self.module.variables:
            struct = self.module.variables[of.text].type
            at = self.module.structs[struct].index(name)
            number = self.uniform[at] if at < len(self.uniform) else None
            return _Value(self._key("uniform", at), "i32", number)
        return self._component(self.value(of), "xyzw".index(name))

    def _component(self, vector: _Value, at: int) -> _Value:
        if vector.parts:
            return vector.parts[at]
        if vector.type == UNPACKED:  # each half is converted where it is used
            return self._new("widen", 1, ("half", vector.key, at), "f32")
        return _Value(self._key("component", vector.key, at), vector.scalar, fuses=vector.fuses)

    def _element(self, of: Expr, at: Expr) -> _Value:
        if of.kind != "name" or (of.text not in self._arrays and of.text not in self.module.variables):
            place = self.value(at).number
            return self._component(self.value(of), int(place) if place is not None else 0)
        name = of.text
        if name in self._arrays:
            place = self._index(at).number
            held = self._arrays[name]
            return held.get(None if place is None else int(place)) or _Value(self._key("unset", name, place), self._types[name])
        variable, index = self.module.variables[name], self._index(at)
        type_ = re.sub(r"^array<(.*?)(,\d+)?>$", r"\1", variable.type)
        is_shared = variable.space == "workgroup"
        origin = ("shared" if is_shared else "load", name, self._versions[name], index.key)
        number = None
        if not is_shared and type_ in ("i32", "u32") and index.number is not None:
            number = self.read(name, int(index.number))
        if origin not in self._keys:
            self.bytes["shared" if is_shared else "load"] += _size(type_)
        return self._new(origin[0], 1, origin, type_, number)

    def _index(self, expr: Expr) -> _Value:
        """A place in an array: a literal that is added to it costs nothing."""
        if expr.kind == "binary" and expr.text == "+":
            left, right = self._index(expr.parts[0]), self.value(expr.parts[1])
            if right.literal:
                number = None if left.number is None or right.number is None else left.number + right.number
                return _Value(self._key("offset", left.key, right.number), left.type, number, left.literal)
            return self._binary("+", left, right)
        return self.value(expr)

    def _unary(self, sign: str, value: _Value) -> _Value:
        number: float | bool | None = None
        if value.number is not None:
            number = not value.number if sign == "!" else -value.number if sign == "-" else ~int(value.number)
        if value.literal and number is not None:
            return self._literal(number, value.type)
        cost = 0 if sign in "-!" else value.width  # signs are modifiers of the instruction that follows
        return self._new("int", cost, (sign, value.key), value.type, number, value.fuses)

    def _binary(self, sign: str, left: _Value, right: _Value) -> _Value:
        number = _computed(sign, left, right)
        is_compared = sign in ("==", "!=", "<", ">", "<=", ">=")
        wide = left if left.width >= right.width else right
        type_ = "bool" if is_compared or sign in ("&&", "||") else wide.type
        if left.literal and right.literal and number is not None:
            return self._literal(number, type_)
        if (sign in "+|^" or sign in ("<<", ">>")) and right.literal and right.number == 0:
            return left
        if sign in "+|" and left.literal and left.number == 0:
            return right
        if sign == "*" and right.literal and right.number == 1:
            return left
        if sign in ("+", "*", "&", "|") and left.key > right.key:
            left, right = right, left
        kind, scalar, cost, fuses = "int", wide.scalar, wide.width, False
        if scalar in ("f32", "f16"):
            kind = scalar
            if sign == "/":
                self._new("special", wide.width, ("reciprocal", right.key), type_)
            fuses = sign in "*/"
        elif scalar == "bool":
            cost = 1 if sign in ("&&", "||") else cost
        elif sign in "/%" and not (right.literal and right.number and math.log2(abs(right.number)).is_integer()):
            cost *= 4  # a product with the reciprocal, and its correction
        origin = (sign, left.key, right.key)
        if sign in ("+", "-") and origin not in self._keys:
            free = next((part for part in (left, right) if part.fuses and part.key not in self._fused), None)
            if free is not None:  # the other is what the product is added to
                other = right if free is left else left
                self._fused.add(free.key)
                cost, fuses = 0, other.fuses and other.key not in self._fused
        return self._new(kind, cost, origin, type_, number, fuses)

    def _call(self, name: str, parts: Sequence[Expr]) -> _Value:
        if name in ("workgroupBarrier", "storageBarrier"):
            self.instructions["barrier"] += 1
            for variable in self.module.variables.values():
                self._versions[variable.name] += variable.space != "uniform" and variable.space != "storage, read"
            return self._literal(0, "i32")
        if name == "workgroupUniformLoad":
            self._call("workgroupBarrier", ())
            return self._element(parts[0].parts[0], parts[0].parts[1]) if parts[0].kind == "index" else self._literal(0, "i32")
        values = [self.value(part) for part in parts]
        first, keys = values[0], tuple(value.key for value in values)
        origin = (name, *keys)
        if name.startswith("vec"):
            return self._vector(name, values)
        if name.startswith("bitcast"):
            return _Value(self._key(*origin), name[8:-1])
        if name in ("i32", "u32", "f32", "f16", "bool"):
            if first.literal and first.number is not None:
                return self._literal(float(first.number) if name[0] == "f" else int(first.number), name)
            if first.scalar == name or {first.scalar, name} == {"i32", "u32"}:
                return _Value(first.key, name, first.number, fuses=first.fuses)
            number = first.number if name in ("i32", "u32") else None
            kind = "int" if first.scalar == "bool" else "widen" if (first.scalar, name) == ("f16", "f32") else "convert"
            return self._new(kind, 1, origin, name, number)
        if name == "unpack2x16float":
            return _Value(self._key(*origin), UNPACKED)
        if name in ("pack2x16float", "quantizeToF16"):
            return self._new("convert", 2, origin, "u32")
        if name in ("dot4I8Packed", "dot4U8Packed"):
            return self._new("dot8", 1, origin, "i32" if "I" in name else "u32", fuses=True)
        if name.startswith("subgroup"):
            return self._new("shuffle", first.width, (*origin, "at"), first.type)
        if name in ("exp", "exp2", "log", "log2", "sqrt", "inverseSqrt", "sin", "cos", "tanh", "pow"):
            return self._new("special", first.width, origin, first.type)
        kind = first.scalar if first.scalar in ("f32", "f16") else "int"
        if name == "dot":
            return self._new(kind, first.width, origin, first.scalar, fuses=True)
        if name == "fma":
            return self._new(kind, first.width, origin, first.type)
        if name == "abs":
            return self._new(kind, 0 if kind != "int" else first.width, origin, first.type)
        number = None
        if name in ("min", "max") and all(value.number is not None for value in values):
            number = (min if name == "min" else max)(value.number for value in values if value.number is not None)
            if all(value.literal for value in values):
                return self._literal(number, first.type)
        if name == "select" and values[2].number is not None:
            number = values[1].number if values[2].number else values[0].number
        return self._new(kind if name != "select" else "int", first.width, origin, first.type, number)

    def _vector(self, name: str, values: Sequence[_Value]) -> _Value:
        width = int(name[3])
        short = {"f": "f32", "h": "f16", "u": "u32", "i": "i32"}
        scalar = short[name[4]] if len(name) == 5 else name[5:-1]
        parts: list[_Value] = []
        for value in values:
            parts += [self._component(value, i) for i in range(value.width)] if value.width > 1 else [value]
        parts = parts * width if len(parts) == 1 else parts
        if any(part.scalar != scalar for part in parts):
            kind = "widen" if scalar == "f32" and parts[0].scalar == "f16" else "convert"
            parts = [part if part.scalar == scalar else self._new(kind, 1, (scalar, part.key), scalar) for part in parts]
        return _Value(self._key(name, *(part.key for part in parts)), f"vec{width}<{scalar}>", parts=tuple(parts))

    # Statements

    def _block(self, body: Sequence[Statement]) -> None:
        for statement in body:
            self._statement(statement)

    def _statement(self, statement: Statement) -> None:
        match statement.kind:
            case "let" | "var":
                self._declare(statement)
            case "set":
                assert statement.target is not None and statement.value is not None
                self._set(statement.target, self.value(statement.value))
            case "do":
                assert statement.value is not None
                self.value(statement.value)
            case "if":
                self._if(statement)
            case "for":
                self._for(statement)
            case "return":
                raise _Return
            case _:
                raise _Break

    def _declare(self, statement: Statement) -> None:
        if statement.type.startswith("array"):
            self._arrays[statement.name] = {}
            self._types[statement.name] = re.sub(r"^array<(.*),\d+>$", r"\1", statement.type)
        elif statement.value is not None:
            self._names[statement.name] = self.value(statement.value)
        else:
            self._names[statement.name] = _Value(self._key("unset", statement.name), statement.type)

    def _set(self, target: Expr, value: _Value) -> None:
        if target.kind == "name":
            self._names[target.text] = value
            return
        of, at = target.parts
        if of.kind != "name":  # a component of a vector
            return
        if of.text in self._arrays:
            index = self._index(at).number
            self._arrays[of.text][None if index is None else int(index)] = value
            return
        variable = self.module.variables.get(of.text)
        if variable is None:  # a component of a vector
            return
        self._index(at)
        is_shared = variable.space == "workgroup"
        self.instructions["shared" if is_shared else "store"] += 1
        self.bytes["shared" if is_shared else "store"] += _size(value.type)
        self._versions[of.text] += 1

    def _if(self, statement: Statement) -> None:
        assert statement.condition is not None
        condition = self.value(statement.condition)
        if not condition.literal:
            self.instructions["int"] += 1
        ends = any(inner.kind in ("return", "break") for inner in statement.body)
        if condition.number if condition.number is not None else not ends:
            self._block(statement.body)
        else:
            self._block(statement.otherwise)

    def _for(self, statement: Statement) -> None:
        assert statement.condition is not None and statement.value is not None
        begin, bound = self.value(statement.value), self.value(statement.condition.parts[1])
        first = int(begin.number or 0)
        rounds = 1 if bound.number is None else max(0, int(bound.number) - first)
        unrolled = begin.literal and bound.literal and rounds <= UNROLLED
        walked = rounds if unrolled else min(rounds, WALKED)
        before: tuple[Counter[str], Counter[str]] | None = None
        try:
            for number in range(first, first + walked):
                before = self.instructions.copy(), self.bytes.copy()
                counter = ("round", id(statement), number)
                self._names[statement.name] = (
                    self._literal(number, statement.type) if unrolled else _Value(self._key(*counter), statement.type, number)
                )
                if not unrolled:
                    self.instructions["int"] += 2
                self._block(statement.body)
        except _Break:
            return
        if before is not None:
            for counted, then in zip((self.instructions, self.bytes), before, strict=True):
                for kind, so_far in list(counted.items()):
                    counted[kind] += (so_far - then[kind]) * (rounds - walked)


def _size(type_: str) -> int:
    width = int(type_[3]) if type_.startswith("vec") else 1
    return width * (2 if "16" in type_ else 4)


def _computed(sign: str, left: _Value, right: _Value) -> float | bool | None:
    a, b = left.number, right.number
    if a is None or b is None:
        known = a if b is None else b
        if sign == "&&" and known is not None and not known:
            return False
        if sign == "||" and known:
            return True
        return None
    if left.scalar in ("f32", "f16") and sign in "/%":
        return a / b if sign == "/" and b else None
    match sign:
        case "+" | "-" | "*":
            return a + b if sign == "+" else a - b if sign == "-" else a * b
        case "/" | "%":
            if not b:
                return None
            quotient = int(a / b)
            return quotient if sign == "/" else int(a) - quotient * int(b)
        case "<<" | ">>":
            return int(a) << int(b) if sign == "<<" else int(a) >> int(b)
        case "&" | "|" | "^":
            return int(a) & int(b) if sign == "&" else int(a) | int(b) if sign == "|" else int(a) ^ int(b)
        case "==" | "!=":
            return (a == b) == (sign == "==")
        case "&&" | "||":
            return bool(a and b) if sign == "&&" else bool(a or b)
    return {"<": a < b, ">": a > b, "<=": a <= b, ">=": a >= b}[sign]
