# Every target makes the virtual environments that it needs, when they are missing or out of date.
PYTHON ?= python3
RECIPE ?= sentiment-quick
BUNDLES ?= bundles
PYTEST ?=
WORKERS ?= 2
STARTS ?= 21
SEEDS ?= 3
SETS ?=
PEER_SEEDS ?=
BANK_QUESTIONS ?=
LOAD_REQUESTS ?= 50000
LOAD_EACH ?= 1000
WEB_PORT ?= 8000
# ONNX Runtime would report its use to its makers.
export ORT_DISABLE_TELEMETRY := 1

.DEFAULT_GOAL := help
.PHONY: help .venv .venv-sam .venv-lint .venv-checkov .venv-peers demo cloud-demo serve web-demo test test-slow fuzz check lint docs bench bench-students proving-ground bench-cold load clean docker-stop

help: ## what there is
	@awk -F ':.*## ' '/^[a-z.-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.venv: .venv/.made ## the checkout's virtual environment
.venv-sam: .venv-sam/.made ## the SAM CLI, in an environment of its own
.venv-lint: .venv-lint/.made ## cfn-lint with the serverless rules, likewise
.venv-checkov: .venv-checkov/.made ## checkov, likewise
.venv-peers: .venv-peers/.made ## fastText, Model2Vec, LightGBM and others to compare with, likewise; compiles fastText

.venv/.made: pyproject.toml constraints.txt
	$(call make_venv,.venv)
	.venv/bin/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[distill,infra,dev]'
	@touch $@

.venv-sam/.made: infra/constraints-sam.txt
	$(call make_venv,.venv-sam)
	.venv-sam/bin/python -m pip install --disable-pip-version-check -c infra/constraints-sam.txt aws-sam-cli
	@touch $@

.venv-lint/.made: infra/constraints-lint.txt
	$(call make_venv,.venv-lint)
	.venv-lint/bin/python -m pip install --disable-pip-version-check -c infra/constraints-lint.txt cfn-lint cfn-lint-serverless
	@touch $@

.venv-checkov/.made: infra/constraints-checkov.txt
	$(call make_venv,.venv-checkov)
	.venv-checkov/bin/python -m pip install --disable-pip-version-check -c infra/constraints-checkov.txt checkov
	@touch $@

.venv-peers/.made: distill/experiments/peers/constraints-peers.txt
	$(call make_venv,.venv-peers)
	.venv-peers/bin/python -m pip install --disable-pip-version-check -c distill/experiments/peers/constraints-peers.txt \
		torch fasttext 'model2vec[distill,train]' onnx onnxruntime onnxscript scikit-learn lightgbm catboost onnxmltools
	@touch $@

demo: .venv .venv-sam ## distil a sentiment model (RECIPE=...), then ask it for a prediction in its Lambda container
	.venv/bin/python -m distill run distill/recipes/$(RECIPE).toml --out $(BUNDLES)
	.venv/bin/python -m infra.local demo $(BUNDLES)/$(RECIPE)

# What a bundle is needed for distils it first where there is none yet (sentiment-quick: some six minutes).
SEALED = $(BUNDLES)/$(RECIPE)/latest
$(BUNDLES)/%/latest: | .venv
	.venv/bin/python -m distill run distill/recipes/$*.toml --out $(BUNDLES)

serve: .venv .venv-sam | $(SEALED) ## answer over HTTPS on this machine with the newest bundle of RECIPE, until Ctrl-C (ORIGIN=http://... for its pages)
	@.venv/bin/python -m infra.local serve $(BUNDLES)/$(RECIPE) $(if $(ORIGIN),--origin $(ORIGIN))

web-demo: .venv | $(SEALED) ## the newest bundle of RECIPE in your browser, at http://127.0.0.1:WEB_PORT, until Ctrl-C (API=https://... for the switch)
	@.venv/bin/python -m distill web $(BUNDLES)/$(RECIPE) --out .build/web/$(RECIPE) $(if $(API),--api $(API)) --serve $(WEB_PORT)

test: .venv .venv-sam .venv-lint .venv-checkov ## the test suite but for its slow tests (PYTEST="-k word" for a part, WORKERS=0 for one process)
	.venv/bin/python -m pytest -rsfE -n $(WORKERS) -m "not slow" $(PYTEST)

test-slow: .venv .venv-sam .venv-lint .venv-checkov ## the tests that take over ten seconds each
	.venv/bin/python -m pytest -rsfE -n $(WORKERS) -m slow $(PYTEST)

fuzz: .venv ## 20,000 requests, right, spoilt and odd, to the handler (FUZZ_REQUESTS=, FUZZ_SEED=), with tables of the answers
	.venv/bin/python -m tests.fuzz

check: .venv ## lint, format and types
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy

lint: .venv .venv-sam .venv-lint .venv-checkov ## the SAM template: sam validate, cfn-lint, checkov; prints the written-down exceptions
	@.venv/bin/python -m infra.template.lint

cloud-demo: .venv .venv-sam ## release models into a cloud on this machine: canary, golden replay, an alarm, and back; no AWS account, no Docker
	@.venv/bin/python -m tests.cloud.demo

docs: .venv ## the parts of docs/ that are made from the code
	.venv/bin/python -m distill.recipe.reference docs/recipe.md

bench: .venv ## the benchmarks, with their numbers
	.venv/bin/python -m pytest -s tests/benchmarks/bench_*.py

bench-students: .venv .venv-peers ## our students beside other people's classifiers, on both sets (hours from nothing; goes on where it was cut off)
	.venv/bin/python -m distill compare distill/recipes/sentiment.toml
	.venv/bin/python -m distill compare distill/recipes/debian-sections.toml --rung static-64 --rung conv-128 --settings 1

proving-ground: .venv .venv-peers ## the defaults on every public set: teacher, student, twin, baseline, peers (hours; goes on where it was cut off; BANK_QUESTIONS=file.csv.gz)
	.venv/bin/python -m distill proving-ground --seeds $(SEEDS) $(if $(PEER_SEEDS),--peer-seeds $(PEER_SEEDS)) $(if $(BANK_QUESTIONS),--bank-questions $(BANK_QUESTIONS)) $(SETS)

bench-cold: .venv .venv-sam | $(SEALED) ## cold starts in containers: ours between a floor and a torch handler (RECIPE=..., STARTS=21 of each)
	.venv/bin/python -m tests.benchmarks.bench_cold $(BUNDLES)/$(RECIPE) --rounds $(STARTS)

load: .venv .venv-sam | $(SEALED) ## p50, p99 and memory over LOAD_REQUESTS=50000 and 8 x LOAD_EACH=1000 under the runtime emulator (RECIPE=...)
	.venv/bin/python -m tests.benchmarks.load $(BUNDLES)/$(RECIPE) --requests $(LOAD_REQUESTS) --each $(LOAD_EACH)

docker-stop: ## stop the Docker daemon that the demo or the tests started, if they did
	@bash infra/start-docker.sh --stop

clean: ## drop what builds leave; bundles, caches and environments stay
	rm -rf .build .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -not -path './.venv*' -prune -exec rm -rf {} +

define make_venv
@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "Limbeck needs Python 3.11 or newer, $(PYTHON) is $$($(PYTHON) -V 2>&1)." \
	"Install one and name it: make $(1) PYTHON=python3.12" >&2; exit 1; }
$(PYTHON) -m venv $(1)
endef
