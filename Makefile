# The commands of the project. `make test` does all set-up by itself.

.PHONY: test quick check workflows fuzz torture mutants completions \
	reference pictures dist image image-test bench figures clean

# Everything: offline, then against real servers, which are built on first use.
test: quick workflows image-test
	servers=$$(tests/servers/build.sh) && \
	cargo build --locked --workspace && \
	ENVCRYPT_TEST_SERVERS=$$servers cargo test --locked --workspace --test servers

# What needs nothing but Rust.
quick:
	cargo test --locked --workspace

# What must be clean.
check:
	cargo fmt --check
	cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
	cargo clippy --locked --workspace --test servers -- -D warnings
	for features in "" age aws azure gcp k8skms vault; do \
		cargo clippy --locked --no-default-features --features "$$features" -- -D warnings || exit 1; \
	done
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --all-features
	cargo deny --version >/dev/null 2>&1 || cargo install --locked cargo-deny
	cargo deny --workspace check bans licenses sources
	@# On GitHub, a database of advisories that cannot be fetched is an error.
	@if [ -n "$$GITHUB_ACTIONS" ] || cargo deny fetch db >/dev/null 2>&1; then \
		echo "cargo deny --workspace check advisories" && \
		cargo deny --workspace check advisories; \
	else \
		echo "make check: the advisory database cannot be fetched: advisories are NOT checked" >&2; \
	fi

# The workflows of GitHub Actions are valid.
workflows:
	cd tests/workflows && GOFLAGS=-mod=readonly go tool actionlint -shellcheck= -pyflakes= \
		../../.github/workflows/*.yml

# Each fuzz target, or FUZZ_TARGETS, for FUZZ_SECONDS or FUZZ_RUNS executions. Without a sanitizer, it
# needs no nightly toolchain.
fuzz:
	cargo fuzz --version >/dev/null 2>&1 || cargo install --locked cargo-fuzz
	fuzz/run.sh $(FUZZ_TARGETS)

# Changes one thing in the code that decides who may open what, and looks for a test that fails:
# for each such change. It takes hours.
mutants:
	cargo mutants --version >/dev/null 2>&1 || cargo install --locked cargo-mutants
	cargo mutants --package envcrypt-core --test-workspace true $(foreach room,envelope kek access,\
		--file crates/core/src/$(room).rs --file 'crates/core/src/$(room)/**')

# Kills, full disks, wrong clocks and services that fail, for every command that writes files or to a
# cluster. `cargo test` leaves it out.
TORTURE_RUNS ?= 1000
TORTURE_SECONDS ?= 1200
torture:
	servers=$$(tests/servers/build.sh) && ENVCRYPT_TEST_SERVERS=$$servers \
		TORTURE_RUNS=$(TORTURE_RUNS) TORTURE_SECONDS=$(TORTURE_SECONDS) \
		cargo test --locked --test torture

# The committed completion scripts.
completions:
	cargo build --locked
	target/debug/kubectl-envcrypt completion bash > completions/kubectl-envcrypt.bash
	target/debug/kubectl-envcrypt completion zsh > completions/_kubectl-envcrypt
	target/debug/kubectl-envcrypt completion fish > completions/kubectl-envcrypt.fish
	target/debug/kubectl-envcrypt completion powershell > completions/kubectl-envcrypt.ps1
	target/debug/kubectl-envcrypt completion kubectl > completions/kubectl_complete-envcrypt
	chmod +x completions/kubectl_complete-envcrypt

# The reference of the commands.
reference:
	cargo build --locked
	target/debug/kubectl-envcrypt __reference > docs/commands.md

# The pictures of the documentation, from real runs.
pictures:
	cargo build --locked
	python3 docs/pictures/make.py target/debug/kubectl-envcrypt

# The archive and the manifest for krew. For another platform: make dist TARGET=TRIPLE
dist:
	release/dist.sh $(if $(TARGET),--target $(TARGET))

# The image of envcrypt-kms or of PROGRAM=envcrypt-controller, without docker. For another
# architecture: make image ARCH=arm64
image:
	release/image.sh $(if $(PROGRAM),--program $(PROGRAM)) $(if $(ARCH),--arch $(ARCH))

# The script that makes the image, with a small program instead.
image-test:
	python3 release/image-test.py

# In-process, whole processes beside their peers, and many Secrets at once.
bench:
	cargo build --locked --release -p envcrypt-kms -p envcrypt-controller
	servers=$$(tests/servers/build.sh) && ENVCRYPT_TEST_SERVERS=$$servers cargo bench --locked --workspace

# Every figure of docs/figures.md, measured again, and the page with its plots. On two cores, it
# takes about an hour. For some benchmarks only: make figures BENCHES="--bench many --bench live"
BENCHES ?=
FIGURES := $(CURDIR)/docs/figures/measured.jsonl
figures:
	cargo build --locked --release -p envcrypt-kms -p envcrypt-controller
	mkdir -p docs/figures
	cargo bench --locked --bench figures -- begin $(FIGURES)
	servers=$$(tests/servers/build.sh) && ENVCRYPT_TEST_SERVERS=$$servers \
		ENVCRYPT_FIGURES=$(FIGURES) cargo bench --locked $(BENCHES)
	cargo bench --locked --bench figures -- page $(FIGURES)

clean:
	cargo clean
	rm -rf dist
