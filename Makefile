# The commands of the project. `make test` does all set-up by itself.

.PHONY: test quick check completions pictures dist bench clean

# Everything: offline, then against real servers, which are built on first use.
test: quick
	servers=$$(tests/servers/build.sh) && \
	ENVCRYPT_TEST_SERVERS=$$servers cargo test --locked --test servers

# What needs nothing but Rust.
quick:
	cargo test --locked --workspace

# What must be clean.
check:
	cargo fmt --check
	cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
	for features in "" age aws azure gcp k8skms vault; do \
		cargo clippy --locked --no-default-features --features "$$features" -- -D warnings || exit 1; \
	done
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps --all-features
	cargo deny --version >/dev/null 2>&1 || cargo install --locked cargo-deny
	cargo deny check bans licenses sources

# The committed completion scripts.
completions:
	cargo build --locked
	target/debug/kubectl-envcrypt completion bash > completions/kubectl-envcrypt.bash
	target/debug/kubectl-envcrypt completion zsh > completions/_kubectl-envcrypt
	target/debug/kubectl-envcrypt completion fish > completions/kubectl-envcrypt.fish
	target/debug/kubectl-envcrypt completion powershell > completions/kubectl-envcrypt.ps1
	target/debug/kubectl-envcrypt completion kubectl > completions/kubectl_complete-envcrypt
	chmod +x completions/kubectl_complete-envcrypt

# The pictures of the documentation, from real runs.
pictures:
	cargo build --locked
	python3 docs/pictures/make.py target/debug/kubectl-envcrypt

# The archive and the manifest for krew.
dist:
	release/dist.sh

# In-process, whole processes beside their peers, and many Secrets at once.
bench:
	servers=$$(tests/servers/build.sh) && ENVCRYPT_TEST_SERVERS=$$servers cargo bench --locked --workspace

clean:
	cargo clean
	rm -rf dist
