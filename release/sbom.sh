#!/bin/sh
# Writes the software bill of materials of the plugin, for all platforms and
# features, as CycloneDX: DIRECTORY/kubectl-envcrypt-VERSION.cdx.json.
#
#   release/sbom.sh [DIRECTORY]     dist/ by default
set -eu
cd "$(dirname "$0")/.."
directory=${1:-dist}
name=kubectl-envcrypt-v$(release/version.sh).cdx
if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
fi
export SOURCE_DATE_EPOCH

cargo cyclonedx --version >/dev/null 2>&1 || cargo install --locked cargo-cyclonedx@0.5.9
# It writes a file beside the Cargo.toml of each crate in the workspace. The
# plugin's file has everything that the plugin links.
trap 'rm -f sbom.json crates/*/sbom.json' EXIT
cargo cyclonedx --quiet --format json --spec-version 1.5 --target all --all-features \
    --override-filename sbom
mkdir -p "$directory"
# References to our own crates hold the path of this checkout.
sed "s|file://$PWD|file://|g" sbom.json > "$directory/$name.json"
echo "$directory/$name.json"
