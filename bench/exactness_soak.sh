#!/usr/bin/env bash
# usage: bench/exactness_soak.sh   Fast kernels beside the f32 reference on every recorded prompt, and a fact found again
# in texts of 2K to 30K tokens. Needs the larger models and the recorded answers. Ends with 1 when a test failed.
set -euo pipefail
cd "$(dirname "$0")/.."
export AQUILON_SOAK=1
status=0 logs=build/logs
mkdir -p $logs
run() { # PROGRAM FILTER
  local log=$logs/soak-$1.log
  build/release/"$1" --gtest_filter="$2" >"$log" 2>&1 || status=1
  grep -E '^\[ +(OK|FAILED|SKIPPED) +\]|reference|the answer was' "$log" | sed 's/^/    /' || true
}
echo "Greedy tokens and distributions:"
echo
run model_test '*LlamaCppOracle*'
echo
echo "A fact found again (tokens, percent of the text before it):"
echo
run chat_test '*NeedleTest*'
exit $status
