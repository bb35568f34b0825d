"""`python -m webllm_build`."""

from .cli import main

main()
