# SPDX-License-Identifier: Apache-2.0
# The two commands of the README, `make run` and `make test`, and the developer's shortcuts.
# PYTHON=/path/to/python3.x embeds another interpreter; it gets build directories of its own.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := all

JOBS ?= $(shell nproc)
FLAVOUR := $(if $(PYTHON),-$(notdir $(PYTHON)))
TEST_PYTHON := $(if $(PYTHON),build/venv-$(notdir $(PYTHON))/bin/python,/usr/bin/python3)
PYTEST_WORKERS ?= 2
PYTEST := $(TEST_PYTHON) -m pytest tests/e2e -n $(PYTEST_WORKERS) -q
export PYTHON

# $(call configure,PRESET): the build directory of a preset, configured when it is not yet.
define configure
cmake --preset $(1) -B build/$(1)$(FLAVOUR) $(if $(PYTHON),-DPYTHON="$$(command -v $(PYTHON))") $(2) >build/$(1)$(FLAVOUR).log 2>&1 \
	|| { cat build/$(1)$(FLAVOUR).log; exit 1; }
endef

.PHONY: all run test check asan tsan test-asan test-tsan fuzz bench figures format clean bootstrap-% build-% e2e layers

all: bootstrap-build build-release

run: bootstrap-run build-release
	@echo
	@echo "  Open http://127.0.0.1:9090/ in a browser; Ctrl-C stops the server."
	@echo
	./build/release$(FLAVOUR)/uwsgi --http :9090 --wsgi-file examples/foobar.py

test: bootstrap-test layers build-dev
	ctest --test-dir build/dev$(FLAVOUR) --output-on-failure -j$(JOBS)
	$(MAKE) --no-print-directory build-release
	$(MAKE) --no-print-directory e2e SERVER=build/release$(FLAVOUR)/uwsgi

# The end-to-end suite against one server, ours or the predecessor's: make e2e SERVER=/usr/bin/uwsgi
SERVER ?= build/release$(FLAVOUR)/uwsgi
e2e:
	$(PYTEST) --server "$(SERVER)" $(PYTEST_ARGS)

bootstrap-%:
	@scripts/bootstrap $*

build-%:
	@mkdir -p build
	$(call configure,$*)
	ninja -C build/$*$(FLAVOUR) -j$(JOBS) $(TARGETS)

layers:
	@/usr/bin/python3 scripts/check_layers.py

check: bootstrap-check layers build-dev
	scripts/check_sources build/dev$(FLAVOUR)

# The check of a cache holds more locks at once than the sanitizer's search for deadlocks can follow.
TSAN_UNIT_OPTIONS := detect_deadlocks=0:suppressions=$(CURDIR)/tests/tsan.supp
asan tsan: export LSAN_OPTIONS := suppressions=$(CURDIR)/tests/lsan.supp
asan tsan: bootstrap-test
	$(MAKE) --no-print-directory build-$@
	TSAN_OPTIONS=$(TSAN_UNIT_OPTIONS) ctest --test-dir build/$@$(FLAVOUR) --output-on-failure -j$(JOBS)
	$(MAKE) --no-print-directory e2e SERVER=build/$@$(FLAVOUR)/uwsgi

test-asan: asan
test-tsan: tsan

# Each fuzz target for FUZZ_SECONDS, from its seeds.
FUZZ_SECONDS ?= 20
fuzz: bootstrap-test
	$(MAKE) --no-print-directory build-fuzz TARGETS="$(basename $(notdir $(wildcard tests/fuzz/*_fuzz.cc)))"
	scripts/fuzz_all build/fuzz$(FLAVOUR) $(FUZZ_SECONDS)

bench: bootstrap-bench build-release
	$(MAKE) --no-print-directory build-bench TARGETS="$(basename $(notdir $(wildcard bench/micro/*_bench.cc)))"
	for program in $$(find build/bench$(FLAVOUR) -type f -executable -name '*_bench'); do "$$program" --benchmark_min_time=0.2; done
	/usr/bin/python3 bench/load/compare.py --server-path build/release$(FLAVOUR)/uwsgi

# docs/benchmarks.md and its plots; PEERS names the interpreter of a virtualenv with further servers.
PEERS ?=
figures: bootstrap-bench build-release
	/usr/bin/python3 bench/load/compare.py --server-path build/release$(FLAVOUR)/uwsgi --report docs $(if $(PEERS),--peers-python $(PEERS))

format: bootstrap-check
	git ls-files 'src/*.h' 'src/*.cc' 'tests/fuzz/*.cc' 'bench/*.cc' 'bench/*.c' | xargs -r clang-format -i

clean:
	rm -rf build
