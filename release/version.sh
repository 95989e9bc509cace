#!/bin/sh
# Prints the version in Cargo.toml: that of the workspace, or of the plugin.
set -eu
cd "$(dirname "$0")/.."
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
[ -n "$version" ] || { echo "version.sh: Cargo.toml has no version" >&2; exit 1; }
echo "$version"
