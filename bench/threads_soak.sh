#!/usr/bin/env bash
# usage: bench/threads_soak.sh   The concurrent suite under ThreadSanitizer: base, engine, chat, store and api, each AQUILON_SOAK_ROUNDS (1)
# times.
# Builds build/tsan. Prints a table in Markdown; ends with 1 when a test fails or a race is reported.
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${AQUILON_SOAK_ROUNDS:-1} status=0 logs=build/logs layers=(base engine chat store api)
mkdir -p $logs
[[ -e build/tsan/build.ninja ]] || cmake --preset tsan >$logs/tsan-cmake.log
begin=$SECONDS
ninja -C build/tsan "${layers[@]/%/_test}" >$logs/tsan-build.log 2>&1 || { tail -n 20 $logs/tsan-build.log >&2; exit 1; }
echo "Built in $((SECONDS - begin)) s."
printf '\n| tests | rounds | seconds | passed | races reported |\n|---|---|---|---|---|\n'
export TSAN_OPTIONS="halt_on_error=0 second_deadlock_stack=1 exitcode=66"
for layer in "${layers[@]}"; do
  log=$logs/tsan-$layer.log begin=$SECONDS passed=yes
  wanted='*'
  [[ $layer != chat ]] || wanted='ModelPool*:LocalGenerator*'  # the rest has one thread, and takes long
  # Death tests fork, which ThreadSanitizer does not follow; that of mixes with little memory wants a pause, which a
  # run so slow does not always have.
  build/tsan/"${layer}"_test --gtest_filter="$wanted"'-*Death*:*ProcessLimits*:SpeculationTest.RandomMixesEqualTheSameWithout' --gtest_repeat="$rounds" >"$log" 2>&1 </dev/null ||
    passed="no: $log" status=1
  races=$(grep -c 'WARNING: ThreadSanitizer' "$log" || true)
  [[ $races == 0 ]] || status=1
  echo "| $layer | $rounds | $((SECONDS - begin)) | $passed | $races |"
done
exit $status
