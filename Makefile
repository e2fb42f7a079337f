# `make demo` and `make test` work on a fresh machine with Rust and a C toolchain; `make help` lists all.
SHELL := /bin/bash
CARGO ?= cargo
# Where libtorch lies; `make libtorch` fills it.
LIBTORCH ?= $(CURDIR)/libtorch
LIBTORCH_CUDA ?= $(CURDIR)/libtorch-cuda
DEMO ?= demo
# The image and the program that goes into it: by default the one that `make test` built.
IMAGE ?= dyad:cpu
BINARY ?= $(or $(CARGO_TARGET_DIR),target)/debug/dyad
REQUEST ?= sagemaker/examples/sample.json
CUDA = $(abspath $(LIBTORCH_CUDA))
TCH = LIBTORCH=$(abspath $(LIBTORCH)) LD_LIBRARY_PATH=$(abspath $(LIBTORCH))/lib:$$LD_LIBRARY_PATH $(CARGO)

# Runs a test command, keeps its log in target/NAME.log and lists at the end what was skipped.
define listing_skipped
mkdir -p target; set -o pipefail; \
$(2) 2>&1 | tee target/$(1).log; status=$$?; \
grep '^skipped: ' target/$(1).log || echo "skipped: nothing"; exit $$status
endef

.PHONY: help demo test test-long test-faults s3-servers fuzz test-tch test-parquet test-sagemaker check bench bench-fetch bench-gpu test-gpu peers libtorch libtorch-cuda parity-real tools tools-tch tools-python tools-gpu clean-demo image image-from-source image-gpu test-container emulate estimate-check

help: ## this list
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /: /'

demo: tools ## the main job, offline: sample, small model, metrics table
	$(CARGO) run --quiet --bin dyad -- sample --out $(DEMO)/sample
	$(CARGO) run --quiet --bin dyad -- train --interactions $(DEMO)/sample/interactions.txt \
	  --sequences $(DEMO)/sample/proteins.fasta --encoder models/esm2_t6_tiny \
	  --out $(DEMO)/run --cache $(DEMO)/cache

clean-demo: ## remove what `make demo` wrote
	rm -rf $(DEMO)

test: tools ## the tests, without libtorch; what was skipped is listed at the end
	@$(call listing_skipped,test,$(CARGO) test -- --nocapture)

test-long: tools ## minutes: signal and control over five seeds, real data end to end
	$(CARGO) test --test long -- --nocapture --test-threads=1

test-faults: tools ## the fault matrix; FAULTS=ci runs the cut that gates every change
	@$(call listing_skipped,faults,$(CARGO) test --test faults -- --nocapture --test-threads=1)

s3-servers: tools ## install the S3 servers of the fault matrix, once (needs Python)
	bash tests/s3-servers.sh install

fuzz: tools ## hostile bytes for every reader, minutes; FAULTS=ci takes one, FUZZ_SEED=N replays
	$(CARGO) test --test fuzz -- --nocapture --test-threads=1

test-tch: tools-tch libtorch ## what depends on the backend, on libtorch
	$(TCH) test --features tch --lib -- embeddings:: classifier:: training:: device::
	$(TCH) test --features tch --test tch -- --test-threads=1

test-parquet: tools ## the export to Parquet, a feature that is off by default
	$(CARGO) test --features parquet --lib -- embeddings::store::upkeep

# Python of the launcher's tests, one environment per version of the SDK.
SDKS = $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/dyad/sagemaker-sdk

test-sagemaker: tools ## launcher, policies, notebook; with Docker and the image also local mode of both SDKs (needs Python)
	bash sagemaker/tests/environments.sh
	$(CARGO) test --test promises --no-run
	@$(call listing_skipped,sagemaker,for sdk in 2 3; do echo "== SDK version $$sdk"; \
	  IMAGE=$(IMAGE) TEST_BINARY=$(abspath $(or $(CARGO_TARGET_DIR),target))/debug/dyad \
	  $(SDKS)$$sdk/bin/python -W ignore -m unittest discover -s sagemaker/tests -t sagemaker || exit 1; done)

check: tools ## format, lints, documentation
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets -- -D warnings
	$(CARGO) clippy --test long --test faults --test fuzz -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps --document-private-items

image: ## the CPU image, from the program that `make test` built, or BINARY=path
	container/build.sh cpu $(IMAGE) $(BINARY)

image-from-source: ## the CPU image, with the release build compiled inside
	container/build.sh cpu $(IMAGE)

image-gpu: ## the CUDA image, several GB, compiled inside or with BINARY_TCH=path
	container/build.sh gpu dyad:gpu $(BINARY_TCH)

test-container: export REQUIRE_ENGINE ?=
test-container: ## jobs in containers, interrupted and stopped as the platform does it (needs `make image`)
	@$(call listing_skipped,container,IMAGE=$(IMAGE) python3 -m unittest discover --start-directory tests/container --verbose)

emulate: ## a training job as SageMaker would run it: make emulate REQUEST=FILE ARGS="--interrupt-after 5"
	@mkdir -p $(DEMO)
	@test -e $(DEMO)/sample || docker run --rm --user "$$(id -u):$$(id -g)" --volume $(abspath $(DEMO)):/data $(IMAGE) \
	  sample --out /data/sample
	@rm -rf $(DEMO)/emulated # or the example would go on with what it has finished
	python3 sagemaker/emulate.py --image $(IMAGE) --place DEMO=$(abspath $(DEMO)) $(ARGS) $(REQUEST)

bench: tools tools-python ## Dyad beside its peers, 25 minutes on an idle machine, into benches/RESULTS.md (needs Python)
	CARGO="$(CARGO)" LIBTORCH=$(abspath $(LIBTORCH)) python3 benches/compare

bench-fetch: tools ## sequences in batches beside one by one, from a stand-in for UniProt, two minutes
	$(CARGO) bench --bench fetch

peers: tools-python ## what `make bench` compares with: a Python environment, and 8 GB of random weights
	benches/peers.sh

bench-gpu: tools-gpu tools-tch tools-python libtorch libtorch-cuda ## the encoder on the first GPU, into benches/RESULTS-GPU.md
	CARGO="$(CARGO)" LIBTORCH=$(abspath $(LIBTORCH)) LIBTORCH_RUN=$(CUDA)/lib python3 benches/compare gpu

test-gpu: tools-gpu tools-tch libtorch libtorch-cuda ## what can only be seen on a GPU: parity, resume, running out of memory
	LIBTORCH=$(abspath $(LIBTORCH)) LD_LIBRARY_PATH=$(CUDA)/lib:$(abspath $(LIBTORCH))/lib:$$LD_LIBRARY_PATH \
	  $(CARGO) test --features tch --test gpu

estimate-check: tools ## estimates beside real runs, ten minutes on an idle machine; ESTIMATE_SIZES=40,80,160 is shorter
	$(CARGO) bench --bench estimate

libtorch: ## fetch the pinned libtorch from the Python package index into LIBTORCH
	bash container/libtorch.sh $(LIBTORCH) cpu

libtorch-cuda: ## the same with the CUDA libraries, 4.6 GB, into LIBTORCH_CUDA
	bash container/libtorch.sh $(LIBTORCH_CUDA) cuda

parity-real: tools ## published weights against Hugging Face: make parity-real ENCODER=DIR (needs Python)
	@test -n "$(ENCODER)" || { echo "give the folder of a published ESM-2: make parity-real ENCODER=DIR"; exit 1; }
	$(CARGO) build --bin dyad
	python3 tests/parity_real.py target/debug/dyad $(ENCODER)

tools:
	@command -v $(CARGO) >/dev/null || { echo "missing: cargo; install Rust from https://rustup.rs"; exit 1; }
	@command -v cc >/dev/null || { echo "missing: a C linker; on Debian: apt-get install build-essential"; exit 1; }

tools-tch: tools
	@command -v g++ >/dev/null || { echo "missing: g++; on Debian: apt-get install g++"; exit 1; }

tools-python:
	@command -v python3 >/dev/null || { echo "missing: python3; on Debian: apt-get install python3"; exit 1; }

# First, so that nothing is fetched or built in vain.
tools-gpu:
	@nvidia-smi -L 2>/dev/null | grep -q '^GPU' || { echo "no GPU: nvidia-smi names none, and this runs on nothing else"; exit 1; }
