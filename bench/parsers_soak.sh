#!/usr/bin/env bash
# usage: bench/parsers_soak.sh   Every fuzzer of build/asan for AQUILON_SOAK_SECONDS (120) on its corpus, which grows.
# Prints a table in Markdown; ends with 1 when one found something, which then is in build/findings.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${AQUILON_SOAK_SECONDS:-120} status=0 logs=build/logs
mkdir -p $logs

# value LOG NAME: of libFuzzer's statistics, or a dash.
value() { grep -a "^stat::$2:" "$1" | grep -oE '[0-9]+$' || echo -; }

echo "$seconds s each, with AddressSanitizer and UndefinedBehaviorSanitizer."
printf '\n| fuzzer | inputs tried | a second | edges covered | peak MiB | found |\n|---|---|---|---|---|---|\n'
for fuzzer in build/asan/fuzz/*_fuzz; do
  [[ -x $fuzzer ]] || { echo "parsers_soak: no fuzzers in build/asan; ./run soak builds them" >&2; exit 1; }
  name=$(basename "$fuzzer") log=$logs/soak-$(basename "$fuzzer").log result=nothing
  tools/fuzz.sh "$fuzzer" "$seconds" >"$log" 2>&1 </dev/null || {
    result=$(grep -aoE 'build/findings/[^ ]+' "$log" | tail -n 1 || true)
    result=${result:-a failure: $log} status=1
  }
  edges=$(grep -aoE 'cov: [0-9]+' "$log" | tail -n 1 | cut -c 6- || true)
  echo "| $name | $(value "$log" number_of_executed_units) | $(value "$log" average_exec_per_sec) |" \
    "${edges:--} | $(value "$log" peak_rss_mb) | $result |"
done
exit $status
