#!/bin/sh
# Writes the image of one program without docker: NAME.oci (an OCI image layout),
# NAME.tar (the same as an archive), NAME.digest and NAME.sbom.json, in DIRECTORY.
#
#   release/image.sh [--program PROGRAM] [--arch amd64|arm64] [BINARY [DIRECTORY]]
#
# The PROGRAM is envcrypt-kms, the default, or envcrypt-controller.
# Without a BINARY, it builds a static one with musl, for this machine's
# architecture or for --arch. A BINARY must be static; its own header says for
# which architecture it is. The DIRECTORY is dist/ by default. SBOM names a bill of
# materials that is there already, and CA_ROOTS other CA roots than Mozilla's.
# The same files give the same image, byte for byte. The time is SOURCE_DATE_EPOCH
# or the commit's date.
#
# Import it:  ctr -n k8s.io images import --digests --base-name NAME FILE.tar
# Push it:    crane push DIRECTORY/NAME.oci REGISTRY/NAME
set -eu
cd "$(dirname "$0")/.."

fail() {
    echo "image.sh: $*" >&2
    exit 1
}

program=envcrypt-kms
arch=$(uname -m | sed 's/^x86_64$/amd64/; s/^aarch64$/arm64/')
while :; do
    case ${1:-} in
        --program) program=${2:?image.sh: --program needs a name} ;;
        --arch) arch=${2:?image.sh: --arch needs amd64 or arm64} ;;
        -*) fail "unknown option $1" ;;
        *) break ;;
    esac
    shift 2
done
case $program in
    envcrypt-kms | envcrypt-controller) ;;
    *) fail "there is no image of $program" ;;
esac
case $arch in
    amd64) target=x86_64-unknown-linux-musl ;;
    arm64) target=aarch64-unknown-linux-musl ;;
    *) fail "there is no image for $arch" ;;
esac
binary=${1:-}
directory=${2:-dist}

command -v python3 >/dev/null || fail "python3 is needed"
pins=release/image-requirements.txt
hash=$({ sha256sum $pins 2>/dev/null || shasum -a 256 $pins; } | cut -c1-16)
venv=${XDG_CACHE_HOME:-$HOME/.cache}/kubectl-envcrypt/image-$hash

# Installs the pinned packages once.
install_packages() {
    [ ! -e "$venv/complete" ] || return 0
    python3 -m venv "$venv" >&2
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps \
        --only-binary :all: --require-hashes -r $pins >&2
    touch "$venv/complete"
}

# Builds the static program.
build() {
    if command -v rustup >/dev/null && ! rustup target list --installed | grep -qx "$target"; then
        rustup target add "$target" >&2
    fi
    # The program does not depend on where it was built.
    cargo_home=${CARGO_HOME:-$HOME/.cargo}
    PATH="$venv/bin:$PATH" \
        RUSTFLAGS="--remap-path-prefix=$PWD=. --remap-path-prefix=$cargo_home=cargo" \
        cargo zigbuild --release --locked --package "$program" --target "$target" >&2
}

if [ -z "$binary" ]; then
    install_packages
    build
    binary=${CARGO_TARGET_DIR:-target}/$target/release/$program
fi
roots=${CA_ROOTS:-}
if [ -z "$roots" ]; then
    install_packages
    roots=$("$venv/bin/python" -c 'import certifi; print(certifi.where())')
fi

# Outside a Git repository, the time is 1980-01-01.
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 315532800)}
mkdir -p "$directory"
name=$(python3 release/oci.py --program "$program" --binary "$binary" --roots "$roots" \
    --directory "$directory" --version "$(release/version.sh)" --created "$epoch" \
    --revision "$(git rev-parse HEAD 2>/dev/null || echo unknown)")

if [ -n "${SBOM:-}" ]; then
    cp "$SBOM" "$directory/$name.sbom.json"
else
    sbom=$(SOURCE_DATE_EPOCH=$epoch release/sbom.sh --package "$program" "$directory")
    mv "$sbom" "$directory/$name.sbom.json"
fi
echo "$directory/$name.tar"
cat "$directory/$name.digest"
