"""`python -m webllm_build`."""

from webllm_build.cli import main

main()
