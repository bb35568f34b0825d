"""The program: the command line, and an answer to Ctrl+C while that is still being loaded."""

import sys


def main() -> None:
    try:
        from webllm_build.cli import main as command_line
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        sys.exit(130)
    command_line()


if __name__ == "__main__":
    main()
