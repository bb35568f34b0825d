"""A program, run as a child process with limits: which of a stranger's regular expressions match first. adapter.py starts it."""

from __future__ import annotations

import json
import re
import sys


def main() -> None:
    request = json.load(sys.stdin)
    expressions = [re.compile(rf"(.*\.)?({pattern})") for pattern in request["patterns"]]  # as peft has it
    numbers = range(len(expressions))
    first = [next((number for number in numbers if expressions[number].fullmatch(name)), None) for name in request["names"]]
    json.dump({"first": first}, sys.stdout)


if __name__ == "__main__":
    main()
