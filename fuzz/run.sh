#!/bin/sh
# Runs each fuzz target, or those that are named, and prints a table of what they did.
#
# FUZZ_SECONDS   how long each target runs at most, 60 by default; 0 is no limit
# FUZZ_RUNS      after how many executions each target ends, if that is sooner
# FUZZ_FLAGS     more flags for cargo fuzz: with --no-trace-compares, more executions and fewer hints
#
# A finding ends its target, not the others. Then the script fails.
set -eu
cd "$(dirname "$0")/.."

seconds=${FUZZ_SECONDS:-60}
runs=${FUZZ_RUNS:--1}
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

# A longer input costs more time than it finds, where a short one can say everything.
max_len() {
    case $1 in
    bolt | replace | scan) echo 8192 ;;
    merge) echo 64 ;;
    encryption_config_new) echo 128 ;;
    grant) echo 256 ;;
    encryption_config | rules | kms_config) echo 2048 ;;
    *) echo 4096 ;;
    esac
}

run() {
    mkdir -p "fuzz/corpus/$1"
    # shellcheck disable=SC2086 # each word is a flag
    cargo fuzz run --sanitizer none ${FUZZ_FLAGS:-} "$1" "fuzz/corpus/$1" "fuzz/seeds/$1" -- \
        -max_total_time="$seconds" -runs="$runs" -max_len="$(max_len "$1")" -timeout=10 \
        -rss_limit_mb=2048 -dict=fuzz/words.dict -verbosity=0 -print_final_stats=1
}

# The number behind a name of libFuzzer's statistics.
stat() {
    sed -n "s/^stat::$2: *//p" "$logs/$1" | tail -n 1
}

found=0
# shellcheck disable=SC2086 # each word is a flag
cargo fuzz build --sanitizer none ${FUZZ_FLAGS:-}
for target in ${*:-$(cargo fuzz list)}; do
    if run "$target" >"$logs/$target" 2>&1; then
        echo 0 >"$logs/$target.findings"
    else
        echo 1 >"$logs/$target.findings"
        found=1
        cat "$logs/$target"
    fi
    echo "$target" >>"$logs/targets"
done

printf '%-24s %14s %10s %9s\n' TARGET EXECUTIONS A-SECOND FINDINGS
while read -r target; do
    printf '%-24s %14s %10s %9s\n' "$target" "$(stat "$target" number_of_executed_units)" \
        "$(stat "$target" average_exec_per_sec)" "$(cat "$logs/$target.findings")"
done <"$logs/targets"
exit "$found"
