#!/usr/bin/env bash
# usage: tools/fuzz.sh FUZZER SECONDS   Runs one fuzzer on its corpus; findings go to build/findings.
set -euo pipefail
fuzzer=$1 seconds=$2
name=$(basename "$fuzzer" _fuzz)
root=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$root/build/findings" "$root/build/corpus/$name"
seeds=$root/fuzz/corpus/$name
[[ -d $seeds ]] || seeds=
"$fuzzer" -max_total_time="$seconds" -rss_limit_mb=2048 -timeout=10 -print_final_stats=1 \
  -artifact_prefix="$root/build/findings/$name-" "$root/build/corpus/$name" ${seeds:+"$seeds"}
