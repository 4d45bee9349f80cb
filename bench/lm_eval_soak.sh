#!/usr/bin/env bash
# usage: bench/lm_eval_soak.sh   lm-evaluation-harness from PyPI asks the release server AQUILON_LM_EVAL_ITEMS (100) items
# of ARC-easy and HellaSwag (../shared/data/eval); the first 25 of each are computed again by `aquilon logits`.
# Prints a report in Markdown; ends with 1 where the two do not agree. Without the data it says so and ends with 0.
set -euo pipefail
cd "$(dirname "$0")/.."
items=${AQUILON_LM_EVAL_ITEMS:-100} eval=${AQUILON_SHARED:-../shared}/data/eval venv=build/lm-eval-venv log=build/logs/soak-lm_eval.log
[[ -x build/aquilon ]] || { echo "lm_eval_soak: build/aquilon is not there; ./run soak builds it" >&2; exit 1; }
[[ -d $eval/arc && -d $eval/hellaswag ]] || { echo "Not run: $eval has no arc and hellaswag."; exit 0; }
mkdir -p build/logs

pins=bench/lm_eval/requirements.txt
if ! cmp -s $pins $venv/installed.txt; then
  rm -rf $venv
  python3 -m venv --without-pip $venv
  build/test-venv/bin/python -m pip --python $venv/bin/python install --disable-pip-version-check --no-deps \
    -r $pins >"$log" 2>&1
  realpath build/test-venv/lib/python3*/site-packages >"$(echo $venv/lib/python3*/site-packages)/below.pth"
  cp $pins $venv/installed.txt
fi
exec $venv/bin/python bench/lm_eval/soak.py build/aquilon "$(readlink -f "$eval")" "$items"
