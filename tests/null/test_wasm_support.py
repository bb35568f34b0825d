"""The paged-KV sequence manager, native and in wasm, against a model that stores tokens in plain lists."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from wasm_library import ROOT, Library, NativeLibrary, WasmLibrary, build_native, compile_c
from webllm_build.compile.abi_generated import SLOTS_KEPT, WINDOW_BACK
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
    """Runs operations, plays the GPU (pages of tokens in each group), and compares with what a list of tokens a sequence must hold.

    windows: of the groups, 0 for none.
    """

    def __init__(self, library: Pair, pages: int, windows: Sequence[int]) -> None:
        self.library, self.windows = library, windows
        assert library.call("kv_reset", PAGE_SIZE, 0) == 0
        for group, window in enumerate(windows):
            assert library.call("kv_add_group", window, pages) == group
        self.capacity = [pages] * len(windows)
        self.cache: dict[tuple[int, int], list[int]] = {}  # group, page id -> the tokens in its slots
        self.sequences: dict[int, list[int]] = {}
        self.marks: dict[int, set[int]] = {}  # lengths that a sequence must go back to
        self.seen_from: dict[int, int] = {}  # the length that the latest step began at, or the sequence was cut to
        self.next_token = 0
        self.copies = self.refusals = self.given_back = self.returns = 0  # how often each happened

    def table(self, sequence: int, group: int) -> list[int]:
        count = self.library.call("kv_page_count", sequence)
        assert count == -(-len(self.sequences[sequence]) // PAGE_SIZE)
        return self.library.ints("kv_pages", sequence, group, count=count) if count else []

    def in_use(self, group: int) -> list[int]:
        return [page for sequence in self.sequences for page in self.table(sequence, group) if page >= 0]

    def first_seen(self, group: int, position: int) -> int:
        """The first page with a token that the one at the position sees."""
        window = self.windows[group]
        return max(0, position - window + 1) // PAGE_SIZE if window else 0

    def new(self) -> None:
        sequence = self.library.call("kv_new")
        assert sequence >= 0 and sequence not in self.sequences
        self.sequences[sequence], self.marks[sequence], self.seen_from[sequence] = [], set(), 0

    def restorable(self, sequence: int, length: int) -> int:
        """What the library says, which must be as much as is promised."""
        answer = self.library.call("kv_restorable", sequence, length)
        assert max((mark for mark in self.marks[sequence] if mark <= length), default=0) <= answer <= length
        for group in range(len(self.windows)):
            assert min(self.table(sequence, group)[self.first_seen(group, answer) : -(-answer // PAGE_SIZE)], default=0) >= 0
        if not any(self.windows):
            assert answer == length
        self.returns += answer not in (0, length)
        return answer

    def fork(self, sequence: int, length: int) -> None:
        if sequence not in self.sequences or not 0 <= length <= len(self.sequences[sequence]):
            expected = INVALID_ARGUMENT if sequence in self.sequences else UNKNOWN_SEQUENCE
            assert self.library.call("kv_fork", sequence, length) == self.library.call("kv_restorable", sequence, length) == expected
            return
        length = self.restorable(sequence, length)
        fork = self.library.call("kv_fork", sequence, length)
        assert fork >= 0 and fork not in self.sequences
        self.sequences[fork] = self.sequences[sequence][:length]
        self.marks[fork], self.seen_from[fork] = self.marks[sequence] & {length}, length

    def mark(self, sequence: int) -> None:
        answer = self.library.call("kv_mark", sequence)
        assert answer == (0 if sequence in self.sequences else UNKNOWN_SEQUENCE)
        if sequence in self.sequences and len(self.marks[sequence]) < SLOTS_KEPT:
            self.marks[sequence].add(len(self.sequences[sequence]))

    def forget(self) -> None:
        while self.library.call("kv_forget_state") == 1:
            pass
        self.marks = {sequence: set() for sequence in self.sequences}

    def append(self, sequence: int, count: int) -> None:
        if sequence not in self.sequences or count < 0:
            expected = INVALID_ARGUMENT if sequence in self.sequences else UNKNOWN_SEQUENCE
            assert self.library.call("kv_append", sequence, count) == expected
            return
        tokens, groups = self.sequences[sequence], range(len(self.windows))
        before = [self.table(sequence, group) for group in groups]
        partly = count > 0 and len(tokens) % PAGE_SIZE != 0
        copied = [partly and self.in_use(group).count(before[group][-1]) > 1 for group in groups]
        needed = [-(-(len(tokens) + count) // PAGE_SIZE) - len(before[group]) + copied[group] for group in groups]
        answer = self.library.call("kv_append", sequence, count)
        if answer == OUT_OF_PAGES:
            lacking = [needed[group] - self.library.call("kv_available", group) for group in groups]
            assert max(lacking) > 0
            assert [self.library.call("kv_missing", sequence, count, group) for group in groups] == [max(0, pages) for pages in lacking]
            self.refusals += 1
            return
        assert answer == sum(copied)
        self.copies += answer
        copies = self.library.ints("kv_copies", count=3 * answer)
        assert copies[::3] == [group for group in groups if copied[group]]
        for group, source, destination in zip(*[iter(copies)] * 3, strict=True):
            assert source == before[group][-1] and destination not in [page for table in before[group : group + 1] for page in table]
            self.cache[group, destination] = list(self.cache[group, source])
        start = len(tokens)
        tokens.extend(range(self.next_token, self.next_token + count))
        self.next_token += count
        if count:
            self.seen_from[sequence] = start
        for group in groups:
            table = self.table(sequence, group)
            for position in range(start, len(tokens)):
                slots = self.cache.setdefault((group, table[position // PAGE_SIZE]), [-1] * PAGE_SIZE)
                slots[position % PAGE_SIZE] = tokens[position]

    def truncate(self, sequence: int, length: int) -> None:
        if sequence not in self.sequences or not 0 <= length <= len(self.sequences[sequence]):
            expected = INVALID_ARGUMENT if sequence in self.sequences else UNKNOWN_SEQUENCE
            assert self.library.call("kv_truncate", sequence, length) == expected
            return
        length = self.restorable(sequence, length)
        assert self.library.call("kv_truncate", sequence, length) == length
        del self.sequences[sequence][length:]
        self.marks[sequence] = {mark for mark in self.marks[sequence] if mark <= length}
        self.seen_from[sequence] = length

    def roll_back(self, sequence: int, steps: int) -> None:
        """A few tokens, which are exactly that many after as many steps."""
        if sequence not in self.sequences or not 0 <= steps <= WINDOW_BACK:
            return
        length = len(self.sequences[sequence])
        for _ in range(steps):
            self.append(sequence, 1)
        length = min(length, len(self.sequences[sequence]))
        assert self.library.call("kv_restorable", sequence, length) == length
        self.truncate(sequence, length)

    def free(self, sequence: int) -> None:
        answer = self.library.call("kv_free", sequence)
        assert answer == (0 if self.sequences.pop(sequence, None) is not None else UNKNOWN_SEQUENCE)

    def grow(self, group: int, pages: int) -> None:
        answer = self.library.call("kv_grow", group, pages)
        is_right = 0 <= group < len(self.windows) and pages >= 0
        assert answer == (0 if is_right else INVALID_ARGUMENT)
        if is_right:
            self.capacity[group] = max(self.capacity[group], pages)

    def check(self) -> None:
        for sequence, tokens in self.sequences.items():
            assert self.library.call("kv_length", sequence) == len(tokens)
            for group in range(len(self.windows)):
                self.check_table(sequence, group)
        for group, capacity in enumerate(self.capacity):
            in_use = set(self.in_use(group))
            assert in_use <= set(range(capacity))
            assert self.library.call("kv_capacity", group) == capacity
            assert self.library.call("kv_available", group) == capacity - len(in_use)

    def check_table(self, sequence: int, group: int) -> None:
        """Pages that are there hold the right tokens; what is seen is there, and no more than a window, room to go back and marks."""
        tokens, start = self.sequences[sequence], self.seen_from[sequence]
        marked = [range(self.first_seen(group, mark - WINDOW_BACK), -(-mark // PAGE_SIZE)) for mark in self.marks[sequence]]
        for number, page in enumerate(self.table(sequence, group)):
            own = tokens[number * PAGE_SIZE : (number + 1) * PAGE_SIZE]
            if page >= 0:
                assert self.cache[group, page][: len(own)] == own
                assert number >= self.first_seen(group, start - WINDOW_BACK) or any(number in pages for pages in marked)
            else:
                assert number < self.first_seen(group, start)
                self.given_back += 1


HOSTILE = (-1, -(2**31), 2**31 - 1, 1000)
OPERATIONS = (
    *("new", "fork", "fork", "append", "append", "append", "append", "append", "append"),
    *("truncate", "roll_back", "mark", "mark", "free", "grow", "forget"),
)


def random_operation(random: Random, checker: Checker) -> tuple[str, tuple[int, ...]]:
    """Mostly an operation that can succeed; now and then one with an unknown sequence or a number out of range."""
    name = random.choice(OPERATIONS)
    if name == "new" or not checker.sequences:
        return "new", ()
    if name == "forget":
        return name, ()
    if name == "grow":
        group = random.randrange(-1, len(checker.windows) + 1)
        return name, (group, random.choice([checker.capacity[0] + 1, checker.capacity[0] // 2, -1]))
    sequence = random.choice(HOSTILE) if random.random() < 0.05 else random.choice(list(checker.sequences))
    if name in ("free", "mark"):
        return name, (sequence,)
    longest = 3 * PAGE_SIZE if name == "append" else WINDOW_BACK if name == "roll_back" else len(checker.sequences.get(sequence, []))
    return name, (sequence, random.choice(HOSTILE) if random.random() < 0.05 else random.randint(0, longest))


@pytest.fixture
def pair(tmp_path: Path, native_file: Path, wasm: bytes) -> Pair:
    """Fresh instances."""
    return Pair(NativeLibrary(Path(shutil.copy(native_file, tmp_path))), WasmLibrary(wasm))


@pytest.mark.parametrize("windows", [(0,), (0, 6), (5, 0, 17, 1)], ids=str)
@pytest.mark.parametrize("seed", range(5))
def test_random_operations_keep_every_token_where_the_table_says(pair: Pair, seed: int, windows: Sequence[int]) -> None:
    random = Random(seed)
    checker = Checker(pair, random.randint(16, 60) if any(windows) else random.randint(0, 20), windows)
    for _ in range(150):
        name, arguments = random_operation(random, checker)
        getattr(checker, name)(*arguments)
        checker.check()
    assert checker.copies + checker.refusals > 5, "this seed hardly tries a copy or a full pool"
    assert bool(checker.given_back) == any(windows), "this seed hardly gives pages back"


def one_group(library: Library, page_size: int, pages: int) -> None:
    assert library.call("kv_reset", page_size, 0) == 0 and library.call("kv_add_group", 0, pages) == 0


def test_native_program(tmp_path: Path) -> None:
    program = tmp_path / "paged_kv_test"
    build_native(program, ROOT / "wasm_support" / "tests" / "paged_kv_test.cc")
    result = subprocess.run([str(program)], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr or f"ended by signal {-result.returncode}: undefined behaviour traps"


def test_pages_that_are_held_stay_counted_as_the_pool_grows(library: Library) -> None:
    one_group(library, PAGE_SIZE, 4)
    sequence = library.call("kv_new")
    assert library.call("kv_append", sequence, 4 * PAGE_SIZE) == 0
    fork = library.call("kv_fork", sequence, 2 * PAGE_SIZE)
    for pages in (5, 20, 100, 1000):
        assert library.call("kv_grow", 0, pages) == 0
    assert library.call("kv_free", sequence) == 0
    assert library.call("kv_available", 0) == 1000 - 2
    assert library.call("kv_free", fork) == 0
    assert library.call("kv_available", 0) == 1000


def test_no_memory_for_tables_changes_nothing(library: Library) -> None:
    pages = 1 << 20
    one_group(library, 1, pages)
    parent = library.call("kv_new")
    assert library.call("kv_append", parent, pages) == 0
    forks = []
    while (fork := library.call("kv_fork", parent, pages)) >= 0:
        forks.append(fork)
    # 256 MiB: each table takes 4 MiB, and so do the reference counts, the free list and the parent's table.
    assert fork == OUT_OF_PAGES and len(forks) == 256 // 4 - 3 - 1
    assert library.call("kv_length", parent) == pages and library.call("kv_available", 0) == 0
    assert library.call("kv_free", forks.pop()) == 0
    again = library.call("kv_fork", parent, pages)
    assert library.read(library.call("kv_pages", again, 0), pages) == list(range(pages))
    for sequence in [parent, again, *forks]:
        assert library.call("kv_free", sequence) == 0
    assert library.call("kv_available", 0) == pages


def test_scratch_is_writable_by_a_launch_function(wasm: bytes) -> None:
    library = WasmLibrary(wasm)
    area = library.call("scratch", 64)
    library.call("launch_0_decode", 7, 11, area)
    assert area % 16 == 0 and library.read(area, 2) == [7, 11]


def test_memory_grows_only_as_needed(wasm: bytes) -> None:
    assert WasmLibrary(wasm).memory_bytes() == 65536
    library = WasmLibrary(wasm)
    one_group(library, 16, 1 << 16)
    assert 65536 < library.memory_bytes() < 1 << 20
