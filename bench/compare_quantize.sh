#!/usr/bin/env bash
# compare_quantize.sh BASE.gguf EVAL.txt CALIBRATION.txt [TYPE...]
# Files that we write beside those of llama-quantize: error of the tensors, KL divergence of the predictions on EVAL.txt from
# those of BASE (F16, computed in f32; the others with activations of 8 bits, which alone are some 1e-3 away), seconds and
# peak memory; first without an importance matrix, then with ours, errors weighted by it. Prints a Markdown table, to be kept
# in bench/results; tensors whose error is larger than theirs are named on stderr.
#   MATRIX         both (default), without or with
#   AQUILON        the program; default build/release/aquilon
#   LLAMA_BIN      folder of llama-quantize and llama-imatrix
#   PYTHON         with the package gguf; default python3
#   WORK           folder for the files, some GB; default a temporary one
set -euo pipefail
base=$1 eval_text=$2 calibration=$3
shift 3
types=("${@:-Q4_0 Q4_1 Q4_K_M Q5_K_M Q6_K Q8_0}")
read -ra types <<<"${types[*]}"
aquilon=${AQUILON:-build/release/aquilon}
python=${PYTHON:-python3}
work=${WORK:-$(mktemp -d)}
mkdir -p "$work"
tool=$(dirname "$0")/quantize_error.py

timed() { /usr/bin/time -f '%e %U %M' -o "$work/time" "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; exit 1; }; }
kl() {
  "$aquilon" perplexity --model "$1" --file "$eval_text" --ctx 512 --base "$work/base.kl" --json 2>/dev/null |
    "$python" -c 'import json,sys; b=json.load(sys.stdin)["base"]; print("{:.5f} ± {:.5f}".format(b["kl"], b["kl_error"]))'
}
one() { # TYPE MATRIX-ARGUMENTS LABEL
  # shellcheck disable=SC2086
  timed "$aquilon" quantize "$base" "$work/ours.gguf" "$1" --force $2
  read -r ours_s ours_cpu ours_kb <"$work/time"
  # shellcheck disable=SC2086
  timed env LD_LIBRARY_PATH="$LLAMA_BIN" "$LLAMA_BIN/llama-quantize" $2 "$base" "$work/theirs.gguf" "$1" "$(nproc)"
  read -r theirs_s theirs_cpu theirs_kb <"$work/time"
  # shellcheck disable=SC2086
  errors=$("$python" "$tool" "$base" "$work/ours.gguf" "$work/theirs.gguf" --list $2 |
    "$python" -c 'import json,sys; e=json.load(sys.stdin); print("{:.5f} | {:.5f} | {} of {}".format(*e["mean"], e["worse"], e["tensors"]))')
  echo "| $1 | $3 | $errors | $(kl "$work/ours.gguf") | $(kl "$work/theirs.gguf") | $ours_s ($ours_cpu) | $theirs_s ($theirs_cpu) | $((ours_kb / 1024)) | $((theirs_kb / 1024)) |"
}

[[ -e $work/base.kl ]] || "$aquilon" perplexity --model "$base" --file "$eval_text" --ctx 512 --reference --save-base "$work/base.kl" >/dev/null 2>&1
if [[ ${MATRIX:-both} != without && ! -e $work/ours.imatrix ]]; then  # on Q8_0: hardly other activations, several times as fast
  "$aquilon" quantize "$base" "$work/q8.gguf" Q8_0 --force >/dev/null 2>&1
  "$aquilon" imatrix --model "$work/q8.gguf" --file "$calibration" --out "$work/ours.imatrix" >/dev/null 2>&1
  rm "$work/q8.gguf"
fi
echo "| type | matrix | error ours | theirs | tensors worse | KL ours | KL theirs | s ours (CPU) | theirs | MB ours | theirs |"
echo "|---|---|---|---|---|---|---|---|---|---|---|"
matrix=${MATRIX:-both}
for type in "${types[@]}"; do
  [[ $matrix == with ]] || one "$type" "" none
done
for type in "${types[@]}"; do
  [[ $matrix == without ]] || one "$type" "--imatrix $work/ours.imatrix" ours
done
