#!/bin/sh
# Packs the archive that krew installs on this platform, with its LICENSE,
# completions and man pages, and writes a manifest with its checksum.
#
#   release/dist.sh [BINARY [FOLDER]]     else builds a release into dist/
set -eu
cd "$(dirname "$0")/.."
binary=${1:-}
folder=${2:-dist}
if [ -z "$binary" ]; then
    cargo build --release --locked
    binary=${CARGO_TARGET_DIR:-target}/release/kubectl-envcrypt
fi
os=$(uname -s | tr '[:upper:]' '[:lower:]')
case $(uname -m) in
    x86_64 | amd64) arch=amd64 ;;
    aarch64 | arm64) arch=arm64 ;;
    *) echo "dist.sh: no archive is made for $(uname -m)" >&2; exit 1 ;;
esac
version=v$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
name=kubectl-envcrypt-$version-$os-$arch.tar.gz

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
cp "$binary" "$stage/kubectl-envcrypt"
cp LICENSE README.md CHANGELOG.md "$stage/"
cp -R completions "$stage/"
"$stage/kubectl-envcrypt" man "$stage/man"
mkdir -p "$folder"
tar -C "$stage" -czf "$folder/$name" .
cp "$folder/$name" "$folder/kubectl-envcrypt.tar.gz"

# Only the platform that was built is known: the others are left out.
sum=$( { sha256sum "$folder/$name" 2>/dev/null || shasum -a 256 "$folder/$name"; } | cut -d' ' -f1)
awk -v os="$os" -v arch="$arch" -v sum="$sum" -v version="$version" '
    /^  - selector:/ { flush(); block = $0 "\n"; inside = 1; next }
    inside { block = block $0 "\n"; next }
    { sub(/^  version: .*/, "  version: " version); print }
    function flush() {
        if (block ~ "os: " os "\n" && block ~ "arch: " arch "\n") {
            gsub(/sha256: "[0-9a-f]+"/, "sha256: \"" sum "\"", block)
            gsub(/v[0-9]+\.[0-9]+\.[0-9]+/, version, block)
            printf "%s", block
        }
        block = ""
    }
    END { flush() }
' krew-manifest.yaml > "$folder/krew-manifest.yaml"
echo "$folder/$name"
