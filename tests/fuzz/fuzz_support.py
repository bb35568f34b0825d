"""Plays calls of wasm_support on this machine, by libFuzzer with AddressSanitizer and UndefinedBehaviorSanitizer.

    python tests/fuzz/fuzz_support.py --seconds 170 --seed 1
    python tests/fuzz/fuzz_support.py --input crash-1234     one input again, of a file that a campaign left here

It needs Clang with its libFuzzer (Debian: clang, libclang-rt-dev). Exit status: libFuzzer's, 0 where nothing was found.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SUPPORT = Path(__file__).resolve().parents[2] / "wasm_support"
FLAGS = ("-std=c++17", "-O1", "-g", "-fno-omit-frame-pointer", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=all")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=170)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--input", type=Path)
    given = parser.parse_args()
    clang = shutil.which("clang++")
    if clang is None:
        print("This needs Clang: install your distribution's (Debian: clang, libclang-rt-dev).", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        program, corpus = Path(folder, "fuzz"), Path(folder, "corpus")
        corpus.mkdir()
        sources = [*sorted((SUPPORT / "src").glob("*.cc")), SUPPORT / "tests" / "kv_fuzz.cc"]
        subprocess.run([clang, *FLAGS, *map(str, sources), "-o", str(program)], check=True)
        limits = (f"-max_total_time={given.seconds}", "-timeout=10", "-rss_limit_mb=2048", "-max_len=1500", f"-seed={given.seed}")
        what = [str(given.input)] if given.input is not None else [*limits, "-print_final_stats=1", str(corpus)]
        return subprocess.run([str(program), *what], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
