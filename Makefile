# SPDX-License-Identifier: Apache-2.0
# `make demo` and `make test` set everything up first; running them again is quick.

PYTEST_ARGS ?= -n 2
# `make test ALSO=riscv` installs the RISC-V compiler and emulator too.
ALSO ?=

.PHONY: help demo test lint

help:
	@echo "make demo   set up, then: digits -> pruned int8 model -> emulated Cortex-M4 -> measured"
	@echo "make test   set up, then run the test suite"
	@echo "make lint   set up, then ruff, mypy and clang-format"

demo:
	@scripts/set-up.sh demo
	@.venv/bin/edgekit demo

test:
	@scripts/set-up.sh dev $(ALSO)
	@.venv/bin/python -m pytest $(PYTEST_ARGS)

lint:
	@scripts/set-up.sh dev
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy
	@.venv/bin/clang-format --dry-run -Werror $$(git ls-files 'firmware/*.c' 'firmware/*.cpp' 'firmware/*.h' 'tests/*.c')
