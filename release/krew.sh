#!/bin/sh
# Writes DIRECTORY/krew-manifest.yaml: krew-manifest.yaml with the version in
# Cargo.toml and the checksums that dist.sh left in DIRECTORY. Refuses, and
# writes nothing, if a platform has no checksum or an archive has another one.
#
#   release/krew.sh [DIRECTORY [PLATFORM...]]
#
# The DIRECTORY is dist/ by default. A PLATFORM is OS-ARCH, such as linux-amd64.
# Without one, the manifest has every platform of krew-manifest.yaml.
set -eu
cd "$(dirname "$0")/.."
directory=${1:-dist}
[ $# -eq 0 ] || shift
version=v$(release/version.sh)
known=$(awk '$1 == "os:" { os = $2 } $1 == "arch:" { print os "-" $2 }' krew-manifest.yaml)
if [ $# -eq 0 ]; then
    # shellcheck disable=SC2086 # one argument for each platform
    set -- $known
fi

sums=
refused=
refuse() {
    echo "krew.sh: $*" >&2
    refused=yes
}
for platform in "$@"; do
    archive=$directory/kubectl-envcrypt-$version-$platform.tar.gz
    if ! printf '%s\n' "$known" | grep -qxF -e "$platform"; then
        refuse "krew-manifest.yaml has no platform $platform"
        continue
    fi
    if [ ! -f "$archive.sha256" ]; then
        refuse "$platform has no checksum: $archive.sha256 is missing"
        continue
    fi
    sum=$(cut -d' ' -f1 "$archive.sha256")
    if ! printf '%s\n' "$sum" | grep -qxE '[0-9a-f]{64}'; then
        refuse "$archive.sha256 is not a SHA-256 checksum"
        continue
    fi
    if [ -f "$archive" ]; then
        actual=$( { sha256sum "$archive" 2>/dev/null || shasum -a 256 "$archive"; } | cut -d' ' -f1)
        [ "$actual" = "$sum" ] || refuse "$archive does not have the checksum in $archive.sha256"
    fi
    sums="$sums $platform=$sum"
done
[ -z "$refused" ] || exit 1

awk -v sums="$sums" -v version="$version" '
    BEGIN {
        count = split(sums, pairs, " ")
        for (i = 1; i <= count; i++) {
            split(pairs[i], pair, "=")
            sum[pair[1]] = pair[2]
        }
    }
    /^#/ { next }
    /^  - selector:/ { flush(); block = $0 "\n"; inside = 1; next }
    inside {
        if ($1 == "os:") os = $2
        if ($1 == "arch:") platform = os "-" $2
        block = block $0 "\n"
        next
    }
    { sub(/^  version: .*/, "  version: " version); print }
    function flush() {
        if (platform in sum) {
            sub(/sha256: "[0-9a-f]*"/, "sha256: \"" sum[platform] "\"", block)
            sub(/\/download\/[^\n]*/, "/download/" version "/kubectl-envcrypt-" version "-" platform ".tar.gz", block)
            printf "%s", block
        }
        block = platform = ""
    }
    END { flush() }
' krew-manifest.yaml > "$directory/krew-manifest.yaml"
echo "$directory/krew-manifest.yaml"
