# Two commands: `make run` serves zzan here, `make test` runs everything. Each installs what it needs first.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

LISTEN ?= 127.0.0.1:8080
DATA_DIR ?= ./data
FUZZ_SECONDS ?= 60
CACHE := .cache
WEB_SOURCES := $(shell find web/sdk web/app -name node_modules -prune -o -name dist -prune -o -type f -print 2>/dev/null)

.PHONY: help run build page test check fmt clippy deny doc tsc test-rust test-web test-e2e bench-chat bench-forward bench-media bench-fanout bench-join bench-leave bench-hostile bench-store fuzz bench-network bench-impaired bench-layers screenshots shop clean

help: ## Lists the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: build ## Builds what is missing and serves in dev mode; prints the URLs to open.
	@exec ./target/release/zzan serve --dev --listen $(LISTEN) --data-dir $(DATA_DIR)

build: $(CACHE)/packages-build page ## Builds the page and the release binary.
	cargo build --release --locked

page: web/app/dist/index.html ## Builds the page that the binary embeds.

web/app/dist/index.html: web/node_modules/.stamp $(WEB_SOURCES)
	npm --prefix web run build
	@touch $@

test: check test-rust test-web test-e2e ## Runs every check and every test.

check: fmt clippy deny doc tsc ## Runs the static checks: format, lints, dependencies, documentation, types.

fmt:
	cargo fmt --all --check

clippy: $(CACHE)/packages-build page
	cargo clippy --workspace --all-targets --locked -- -D warnings

deny: $(CACHE)/bin/cargo-deny
	$(CACHE)/bin/cargo-deny --locked --workspace check --hide-inclusion-graph licenses sources bans

doc: $(CACHE)/packages-build page
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked --quiet

tsc: web/node_modules/.stamp
	npm --prefix web run check

test-rust: $(CACHE)/packages-build page signaling/tests/client/node_modules/.stamp tests/dynamodb/node_modules/.stamp
	cargo test --workspace --locked --no-fail-fast

test-web: web/node_modules/.stamp
	npm --prefix web test
	npm --prefix examples/shop test

test-e2e: build $(CACHE)/packages-test web/e2e/node_modules/.stamp ## Drives real browsers against the real binary.
	npm --prefix web/e2e test

bench-forward: $(CACHE)/packages-build ## CPU per forwarded packet, beside a bare UDP + SRTP forwarder.
	cargo run --release --locked -p zzan-media --example forward_cost

bench-media: build $(CACHE)/packages-bench ## zzan beside Janus, the webrtc crate and the floor; BENCH="--quick" for two minutes. As root.
	cargo run --release --locked -p zzan-loadtest --example sfu_bench -- $(BENCH)

bench-fanout: $(CACHE)/packages-build loadtest/examples/fanout_bench/node/node_modules/.stamp ## CPU per delivery to 1,000 sockets, beside the official socket.io server; others' delay while some stall.
	cargo run --release --locked -p zzan-loadtest --example fanout_bench -- $(BENCH)

bench-chat: bench-store bench-fanout ## Stores and fan-out, one after the other: acked messages a second, unread counts, CPU per delivery.

bench-join: build $(CACHE)/packages-test web/e2e/node_modules/.stamp ## Click on join to first remote frame, over 20 joins.
	npm --prefix web/e2e run bench:join

bench-leave: build $(CACHE)/packages-test web/e2e/node_modules/.stamp ## A closed tab until the others know, over 50 rounds.
	npm --prefix web/e2e run bench:leave

bench-network: build $(CACHE)/packages-test web/e2e/node_modules/.stamp ## Changes of address in a call: the gap, over 50 rounds; as root.
	npm --prefix web/e2e run bench:network

bench-impaired: build $(CACHE)/packages-test web/e2e/node_modules/.stamp ## A call over loss, a narrow link and a blackout; as root.
	npm --prefix web/e2e run bench:impaired

bench-hostile: $(CACHE)/packages-build ## A live call under 10,000 bad packets a second: what is lost, and how long joins take.
	cargo run --release --locked -p zzan-media --example hostile

bench-store: $(CACHE)/packages-build tests/dynamodb/node_modules/.stamp ## Durable messages a second on each store, unread counts over a million messages, and what one message writes.
	cargo run --release --locked -p zzan-loadtest --example store_bench -- $(BENCH)

fuzz: $(CACHE)/packages-build $(CACHE)/bin/cargo-fuzz ## Runs every fuzz target for FUZZ_SECONDS (60) each, on a nightly compiler.
	for target in $$($(CACHE)/bin/cargo-fuzz fuzz list --fuzz-dir fuzz); do \
	  mkdir -p $(CACHE)/fuzz/$$target; \
	  ASAN_OPTIONS=detect_odr_violation=0 RUSTUP_TOOLCHAIN=nightly $(CACHE)/bin/cargo-fuzz fuzz run --fuzz-dir fuzz $$target $(CACHE)/fuzz/$$target fuzz/corpus/$$target -- \
	    -max_total_time=$(FUZZ_SECONDS) -max_len=16384 -timeout=20 -rss_limit_mb=2048; \
	done

bench-layers: build $(CACHE)/packages-test web/e2e/node_modules/.stamp ## Tiles that grow and shrink: larger picture, unused layers off, over 10 rounds.
	npm --prefix web/e2e run bench:layers

screenshots: build $(CACHE)/packages-test web/e2e/node_modules/.stamp ## Pictures of every screen in web/e2e/out.
	npm --prefix web/e2e run screenshots

shop: ## Serves the example shop beside a running zzan.
	npm --prefix examples/shop start

clean: ## Removes everything that was built or installed here; keeps ./data.
	rm -rf target $(CACHE) web/app/dist web/node_modules web/*/node_modules signaling/tests/client/node_modules tests/dynamodb/node_modules \
	  loadtest/examples/fanout_bench/node/node_modules

%/node_modules/.stamp: %/package-lock.json %/package.json
	npm --prefix $* ci --no-audit --no-fund
	@touch $@

$(CACHE)/packages-build: .ci/packages
	.ci/packages build
	@mkdir -p $(CACHE) && touch $@

$(CACHE)/packages-test: .ci/packages
	.ci/packages test
	@mkdir -p $(CACHE) && touch $@

$(CACHE)/packages-bench: .ci/packages
	.ci/packages bench
	@mkdir -p $(CACHE) && touch $@

# Built without optimisation: it runs once per change of the lock file and is quicker to install so.
$(CACHE)/bin/cargo-deny:
	cargo install --locked --debug --root $(CACHE) --target-dir target/cargo-deny cargo-deny@0.20.2
	rm -rf target/cargo-deny

$(CACHE)/bin/cargo-fuzz:
	cargo install --locked --debug --root $(CACHE) --target-dir target/cargo-fuzz cargo-fuzz@0.13.2
	rm -rf target/cargo-fuzz
