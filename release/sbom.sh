#!/bin/sh
# Writes the software bill of materials of a program, for all platforms and
# features, as CycloneDX: DIRECTORY/PACKAGE-vVERSION.cdx.json.
#
#   release/sbom.sh [--package kubectl-envcrypt|envcrypt-kms|envcrypt-controller] [DIRECTORY]
#
# The package is the plugin by default, and the DIRECTORY is dist/.
set -eu
cd "$(dirname "$0")/.."
package=kubectl-envcrypt
if [ "${1:-}" = --package ]; then
    package=${2:?sbom.sh: --package needs a name}
    shift 2
fi
case $package in
    kubectl-envcrypt) made=sbom.json ;;
    envcrypt-kms) made=crates/kms/sbom.json ;;
    envcrypt-controller) made=crates/controller/sbom.json ;;
    *)
        echo "sbom.sh: there is no program $package" >&2
        exit 1
        ;;
esac
directory=${1:-dist}
name=$package-v$(release/version.sh).cdx
if [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
fi
export SOURCE_DATE_EPOCH

cargo cyclonedx --version >/dev/null 2>&1 || cargo install --locked cargo-cyclonedx@0.5.9
# It writes a file beside the Cargo.toml of each crate in the workspace. The file of
# a program has everything that the program links.
trap 'rm -f sbom.json crates/*/sbom.json' EXIT
cargo cyclonedx --quiet --format json --spec-version 1.5 --target all --all-features \
    --override-filename sbom
mkdir -p "$directory"
# References to our own crates hold the path of this checkout.
sed "s|file://$PWD|file://|g" "$made" > "$directory/$name.json"
echo "$directory/$name.json"
