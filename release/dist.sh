#!/bin/sh
# Packs the archive that krew installs: the plugin, its LICENSE, completions and
# man pages. Writes NAME.tar.gz, NAME.tar.gz.sha256, and a krew manifest for
# this one platform.
#
#   release/dist.sh [--target TRIPLE] [BINARY [DIRECTORY]]
#
# Without a BINARY, it builds a release. The DIRECTORY is dist/ by default. The
# TRIPLE names another platform. Then HOST_BINARY is a plugin that runs on this
# machine and writes the man pages. Without one, it builds one.
# The same files and the same tar give the same archive, byte for byte. Names are
# sorted, owner and modes are fixed, and the time is SOURCE_DATE_EPOCH or the
# commit's date. TAR names another tar, GNU or BSD.
set -eu
cd "$(dirname "$0")/.."

fail() {
    echo "dist.sh: $*" >&2
    exit 1
}

target=
case ${1:-} in
    --target)
        [ $# -ge 2 ] || fail "--target needs a triple"
        target=$2
        shift 2
        ;;
    -*) fail "unknown option $1" ;;
esac
binary=${1:-}
directory=${2:-dist}

host=$(uname -s | tr '[:upper:]' '[:lower:]')-$(uname -m | sed 's/^x86_64$/amd64/; s/^aarch64$/arm64/')
case $target in
    '') platform=$host ;;
    x86_64-*-linux-*) platform=linux-amd64 ;;
    aarch64-*-linux-*) platform=linux-arm64 ;;
    x86_64-apple-darwin) platform=darwin-amd64 ;;
    aarch64-apple-darwin) platform=darwin-arm64 ;;
    *) platform=$target ;;
esac
case $platform in
    linux-amd64 | linux-arm64 | darwin-amd64 | darwin-arm64) ;;
    *) fail "there is no archive for $platform" ;;
esac

built=${CARGO_TARGET_DIR:-target}
if [ -z "$binary" ]; then
    cargo build --release --locked ${target:+--target "$target"}
    binary=$built/${target:+$target/}release/kubectl-envcrypt
fi
name=kubectl-envcrypt-v$(release/version.sh)-$platform.tar.gz

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
stage=$work/stage
mkdir -p "$stage" "$directory"
cp "$binary" "$stage/kubectl-envcrypt"
cp LICENSE README.md CHANGELOG.md "$stage/"
cp -R completions "$stage/"
# A binary for another platform does not run here: this machine's own writes the
# same man pages.
if [ "$platform" = "$host" ]; then
    runs=$stage/kubectl-envcrypt
elif [ -n "${HOST_BINARY:-}" ]; then
    runs=$HOST_BINARY
else
    cargo build --locked
    runs=$built/debug/kubectl-envcrypt
fi
"$runs" man "$stage/man"

# Outside a Git repository, the time is 1980-01-01.
epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 315532800)}
stamp=$(date -u -d "@$epoch" +%Y%m%d%H%M.%S 2>/dev/null || date -u -r "$epoch" +%Y%m%d%H%M.%S)
chmod -R u=rwX,go=rX "$stage"
find "$stage" -exec env TZ=UTC0 touch -t "$stamp" {} +
(cd "$stage" && find . ! -name . | sed 's|^\./||' | LC_ALL=C sort) > "$work/names"

tar=${TAR:-tar}
case $("$tar" --version) in
    *"GNU tar"*) owner="--owner=root:0 --group=root:0" ;;
    *) owner="--uid 0 --gid 0 --uname root --gname root" ;;
esac
# macOS would add a file of attributes beside each file.
# shellcheck disable=SC2086 # these are several arguments
COPYFILE_DISABLE=1 "$tar" --format=ustar --no-recursion $owner \
    -C "$stage" -T "$work/names" -cf "$work/archive.tar"
gzip -9 -n -c "$work/archive.tar" > "$directory/$name"
cp "$directory/$name" "$directory/kubectl-envcrypt.tar.gz"

(cd "$directory" && { sha256sum "$name" 2>/dev/null || shasum -a 256 "$name"; }) > "$directory/$name.sha256"
release/krew.sh "$directory" "$platform" >/dev/null
echo "$directory/$name"
