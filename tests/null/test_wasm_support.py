"""The paged-KV sequence manager, native and in wasm, against a model that stores tokens in plain lists."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from random import Random

import pytest

from wasm_library import ROOT, Library, NativeLibrary, WasmLibrary, build_native, compile_c
from webllm_build.compile.link import link_library

OUT_OF_PAGES, UNKNOWN_SEQUENCE, INVALID_ARGUMENT = -1, -2, -3
PAGE_SIZE = 4
LAUNCH = "void launch_0_decode(int n, int kv_len, int *out) { out[0] = n; out[1] = kv_len; }"


@pytest.fixture(scope="module")
def native_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("native") / "support.so"
    build_native(path)
    return path


@pytest.fixture(scope="module")
def wasm(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    launch = compile_c(LAUNCH, tmp_path_factory.mktemp("wasm") / "launch.o")
    return link_library(launch, ["launch_0_decode"], b"{}", b"[]", "ziglang")


@pytest.fixture(params=["native", "wasm"])
def library(request: pytest.FixtureRequest, tmp_path: Path, native_file: Path, wasm: bytes) -> Library:
    """A fresh instance."""
    if request.param == "wasm":
        return WasmLibrary(wasm)
    return NativeLibrary(Path(shutil.copy(native_file, tmp_path)))


class Pair:
    """Both builds in step: they must give the same answers, page ids included."""

    def __init__(self, native: NativeLibrary, wasm: WasmLibrary) -> None:
        self.native, self.wasm = native, wasm

    def call(self, name: str, *arguments: int) -> int:
        answer = self.native.call(name, *arguments)
        assert self.wasm.call(name, *arguments) == answer, (name, arguments)
        return answer

    def ints(self, name: str, *arguments: int, count: int) -> list[int]:
        values = self.native.read(self.native.call(name, *arguments), count)
        assert self.wasm.read(self.wasm.call(name, *arguments), count) == values, (name, arguments)
        return values


class Checker:
    """Runs operations, plays the GPU (pages of tokens), and compares with what a list of tokens a sequence must hold."""

    def __init__(self, library: Pair, pages: int) -> None:
        self.library = library
        assert library.call("kv_reset", PAGE_SIZE, pages, 0) == 0
        self.capacity = pages
        self.cache: dict[int, list[int]] = {}  # page id -> the tokens in its slots
        self.sequences: dict[int, list[int]] = {}
        self.next_token = 0
        self.copies = self.refusals = 0  # how often each happened

    def table(self, sequence: int) -> list[int]:
        count = self.library.call("kv_page_count", sequence)
        assert count == -(-len(self.sequences[sequence]) // PAGE_SIZE)
        return self.library.ints("kv_pages", sequence, count=count) if count else []

    def pages_in_use(self) -> list[int]:
        return [page for sequence in self.sequences for page in self.table(sequence)]

    def new(self) -> None:
        sequence = self.library.call("kv_new")
        assert sequence >= 0 and sequence not in self.sequences
        self.sequences[sequence] = []

    def fork(self, sequence: int, length: int) -> None:
        fork = self.library.call("kv_fork", sequence, length)
        if sequence not in self.sequences:
            assert fork == UNKNOWN_SEQUENCE
        elif not 0 <= length <= len(self.sequences[sequence]):
            assert fork == INVALID_ARGUMENT
        else:
            assert fork >= 0 and fork not in self.sequences
            self.sequences[fork] = self.sequences[sequence][:length]

    def append(self, sequence: int, count: int) -> None:
        if sequence not in self.sequences or count < 0:
            expected = INVALID_ARGUMENT if sequence in self.sequences else UNKNOWN_SEQUENCE
            assert self.library.call("kv_append", sequence, count) == expected
            return
        tokens, before, in_use = self.sequences[sequence], self.table(sequence), self.pages_in_use()
        copies = int(count > 0 and len(tokens) % PAGE_SIZE != 0 and in_use.count(before[-1]) > 1)
        needed = -(-(len(tokens) + count) // PAGE_SIZE) - len(before) + copies
        answer = self.library.call("kv_append", sequence, count)
        if needed > self.capacity - len(set(in_use)):
            assert answer == OUT_OF_PAGES
            self.refusals += 1
            return
        assert answer == copies
        self.copies += copies
        for source, destination in zip(*[iter(self.library.ints("kv_copies", count=2 * copies))] * 2, strict=True):
            assert destination not in in_use
            self.cache[destination] = list(self.cache[source])
        start = len(tokens)
        tokens.extend(range(self.next_token, self.next_token + count))
        self.next_token += count
        table = self.table(sequence)
        for position in range(start, len(tokens)):
            slots = self.cache.setdefault(table[position // PAGE_SIZE], [-1] * PAGE_SIZE)
            slots[position % PAGE_SIZE] = tokens[position]

    def truncate(self, sequence: int, length: int) -> None:
        answer = self.library.call("kv_truncate", sequence, length)
        if sequence not in self.sequences:
            assert answer == UNKNOWN_SEQUENCE
        elif not 0 <= length <= len(self.sequences[sequence]):
            assert answer == INVALID_ARGUMENT
        else:
            assert answer == length
            del self.sequences[sequence][length:]

    def free(self, sequence: int) -> None:
        answer = self.library.call("kv_free", sequence)
        assert answer == (0 if self.sequences.pop(sequence, None) is not None else UNKNOWN_SEQUENCE)

    def grow(self, pages: int) -> None:
        answer = self.library.call("kv_grow", pages)
        assert answer == (0 if pages >= 0 else INVALID_ARGUMENT)
        self.capacity = max(self.capacity, pages)

    def check(self) -> None:
        for sequence, tokens in self.sequences.items():
            assert self.library.call("kv_length", sequence) == len(tokens)
            stored = [token for page in self.table(sequence) for token in self.cache[page]]
            assert stored[: len(tokens)] == tokens
        in_use = set(self.pages_in_use())
        assert in_use <= set(range(self.capacity))
        assert self.library.call("kv_capacity") == self.capacity
        assert self.library.call("kv_available") == self.capacity - len(in_use)


HOSTILE = (-1, -(2**31), 2**31 - 1, 1000)
OPERATIONS = ("new", "fork", "fork", "append", "append", "append", "append", "truncate", "truncate", "free", "grow")


def random_operation(random: Random, checker: Checker) -> tuple[str, tuple[int, ...]]:
    """Mostly an operation that can succeed; now and then one with an unknown sequence or a number out of range."""
    name = random.choice(OPERATIONS)
    if name == "new" or not checker.sequences:
        return "new", ()
    if name == "grow":
        return name, (random.choice([checker.capacity + 1, checker.capacity // 2, -1]),)
    sequence = random.choice(HOSTILE) if random.random() < 0.05 else random.choice(list(checker.sequences))
    if name == "free":
        return name, (sequence,)
    longest = 3 * PAGE_SIZE if name == "append" else len(checker.sequences.get(sequence, []))
    return name, (sequence, random.choice(HOSTILE) if random.random() < 0.05 else random.randint(0, longest))


@pytest.fixture
def pair(tmp_path: Path, native_file: Path, wasm: bytes) -> Pair:
    """Fresh instances."""
    return Pair(NativeLibrary(Path(shutil.copy(native_file, tmp_path))), WasmLibrary(wasm))


@pytest.mark.parametrize("seed", range(12))
def test_random_operations_keep_every_token_where_the_table_says(pair: Pair, seed: int) -> None:
    random = Random(seed)
    checker = Checker(pair, pages=random.randint(0, 20))
    for _ in range(150):
        name, arguments = random_operation(random, checker)
        getattr(checker, name)(*arguments)
        checker.check()
    assert checker.copies + checker.refusals > 5, "this seed hardly tries a copy or a full pool"


def test_native_program(tmp_path: Path) -> None:
    program = tmp_path / "paged_kv_test"
    build_native(program, ROOT / "wasm_support" / "tests" / "paged_kv_test.cc")
    result = subprocess.run([str(program)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr or f"ended by signal {-result.returncode}: undefined behaviour traps"


def test_pages_that_are_held_stay_counted_as_the_pool_grows(library: Library) -> None:
    assert library.call("kv_reset", PAGE_SIZE, 4, 0) == 0
    sequence = library.call("kv_new")
    assert library.call("kv_append", sequence, 4 * PAGE_SIZE) == 0
    fork = library.call("kv_fork", sequence, 2 * PAGE_SIZE)
    for pages in (5, 20, 100, 1000):
        assert library.call("kv_grow", pages) == 0
    assert library.call("kv_free", sequence) == 0
    assert library.call("kv_available") == 1000 - 2
    assert library.call("kv_free", fork) == 0
    assert library.call("kv_available") == 1000


def test_no_memory_for_tables_changes_nothing(library: Library) -> None:
    pages = 1 << 20
    assert library.call("kv_reset", 1, pages, 0) == 0
    parent = library.call("kv_new")
    assert library.call("kv_append", parent, pages) == 0
    forks = []
    while (fork := library.call("kv_fork", parent, pages)) >= 0:
        forks.append(fork)
    # 256 MiB: each table takes 4 MiB, and so do the reference counts, the free list and the parent's table.
    assert fork == OUT_OF_PAGES and len(forks) == 256 // 4 - 3 - 1
    assert library.call("kv_length", parent) == pages and library.call("kv_available") == 0
    assert library.call("kv_free", forks.pop()) == 0
    again = library.call("kv_fork", parent, pages)
    assert library.read(library.call("kv_pages", again), pages) == list(range(pages))
    for sequence in [parent, again, *forks]:
        assert library.call("kv_free", sequence) == 0
    assert library.call("kv_available") == pages


def test_scratch_is_writable_by_a_launch_function(wasm: bytes) -> None:
    library = WasmLibrary(wasm)
    area = library.call("scratch", 64)
    library.call("launch_0_decode", 7, 11, area)
    assert area % 16 == 0 and library.read(area, 2) == [7, 11]


def test_memory_grows_only_as_needed(wasm: bytes) -> None:
    assert WasmLibrary(wasm).memory_bytes() == 65536
    library = WasmLibrary(wasm)
    library.call("kv_reset", 16, 1 << 16, 0)
    assert 65536 < library.memory_bytes() < 1 << 20
