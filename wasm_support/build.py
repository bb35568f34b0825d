"""Compiles wasm_support with the Clang of the PyPI package ziglang; same sources and versions, same bytes.

python wasm_support/build.py wasm   support.o         # relocatable wasm32 object: what a model's link needs
python wasm_support/build.py native libsupport.so     # the same sources for this machine, with undefined behaviour trapped: for tests
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).resolve().parent / "src"
ZIG = (sys.executable, "-m", "ziglang")
COMMON = ("-std=c++17", "-fno-exceptions", "-fno-rtti", "-Wall", "-Wextra", "-Werror", f"-I{SOURCE}")
# Freestanding: no C library, so nothing to build or download first. Bulk memory turns copies into one instruction.
WASM = ("-target", "wasm32-freestanding", "-mbulk-memory", "-ffreestanding", "-O2", "-g0", "-fno-sanitize=all", "-fvisibility=hidden")
ATOMICS = {"steps.cc": ("-matomics",)}  # only where threads meet
NATIVE = ("-O1", "-g", "-fsanitize=undefined", "-fsanitize-trap=undefined")


def sources() -> list[Path]:
    return sorted(SOURCE.glob("*.cc"))


def build_wasm(destination: Path) -> None:
    """One relocatable object from all sources."""
    with tempfile.TemporaryDirectory() as folder:
        objects = []
        for source in sources():
            objects.append(f"{folder}/{source.stem}.o")
            subprocess.run([*ZIG, "c++", *COMMON, *WASM, *ATOMICS.get(source.name, ()), "-c", str(source), "-o", objects[-1]], check=True)
        # The linker writes the name of its output into it: always the same name.
        linked = Path(folder, "support.o")
        subprocess.run([*ZIG, "wasm-ld", "--relocatable", "--strip-debug", "-o", str(linked), *objects], check=True)
        shutil.copyfile(linked, destination)


def build_native(destination: Path, *extra_sources: Path) -> None:
    """A shared library where the destination ends in .so, else a program (a main among `extra_sources`)."""
    # `cc`, not `c++`: nothing here needs libc++, and building that takes minutes.
    kind = ["-shared", "-fPIC", "-nostdlib"] if destination.suffix == ".so" else []
    subprocess.run([*ZIG, "cc", *COMMON, *NATIVE, *kind, *map(str, [*sources(), *extra_sources]), "-o", str(destination)], check=True)


def main() -> int:
    match sys.argv[1:]:
        case ["wasm", destination]:
            build_wasm(Path(destination))
        case ["native", destination]:
            build_native(Path(destination))
        case _:
            print(__doc__, file=sys.stderr)
            return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
