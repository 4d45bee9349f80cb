#!/usr/bin/env bash
# usage: bench/compare_speculation.sh [--pairs 7] [--only WORD] [--max-foreign PERCENT]
# `aquilon serve` with and without guesses, asked in turn on this machine: an editing, a retrieval and a chat task, greedy, where
# both must answer the same; the table goes to bench/results/speculation-DATE.md. A row's name must have WORD to be measured.
# Needs the program (AQUILON, default build/aquilon) and the files of both Qwen models in AQUILON_TEST_MODELS.
set -euo pipefail
cd "$(dirname "$0")/.."
readonly aquilon=${AQUILON:-build/aquilon}
readonly models=${AQUILON_TEST_MODELS:-${XDG_CACHE_HOME:-$HOME/.cache}/aquilon/test-models}
pairs=7 only='' foreign=10
command="bench/compare_speculation.sh $*"
while (($#)); do
  (($# > 1)) || { printf 'compare_speculation: %s needs a value\n' "$1" >&2; exit 1; }
  case $1 in
    --pairs) pairs=$2 ;;
    --only) only=$2 ;;
    --max-foreign) foreign=$2 ;;
    *) printf 'compare_speculation: unknown flag %s\n' "$1" >&2; exit 1 ;;
  esac
  shift 2
done
[[ -x $aquilon ]] || { printf 'compare_speculation: %s is not there: ./run build makes it\n' "$aquilon" >&2; exit 1; }

out=bench/results/speculation-$(date -u +%F).md
{
  printf '# Answers with guesses and without, %s\n\n`%s`, commit %s; %s, %s threads.\n' "$(date -u +%F)" "$command" \
    "$(git describe --always --dirty)" "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)"
  printf 'Tokens a second of the answer behind its first token, medians of pairs run in turn; the ratio is with to without, pair by\n'
  printf 'pair, with the least and the largest. Pairs in which other programs took more than %s %% of the machine do not count.\n\n' "$foreign"
  printf '| test | with | without | ratio | pairs | tokens | the same answer |\n|---|---|---|---|---|---|---|\n'
} >"$out"

small=$models/qwen2.5-coder-0.5b-instruct-q4_k_m.gguf large=$models/qwen2.5-coder-1.5b-instruct-q4_k_m.gguf
rows() { # NAME MODEL [FLAG ...]: the three tasks, with the flags and with --no-speculate.
  local name=$1 model=$2
  shift 2
  [[ -e $model ]] || { printf 'left out: %s is not there\n' "$model" >&2; return 0; }
  python3 bench/compare_speculation.py --aquilon "$aquilon" --model "$model" --name "$name" --pairs "$pairs" --only "$only" \
    --max-foreign "$foreign" -- "$@" >>"$out"
}
rows 'n-gram guesses, 0.5B' "$small"
rows 'n-gram guesses, 1.5B' "$large"
[[ ! -e $small ]] || rows '1.5B with the 0.5B as draft' "$large" --draft-model "$small"
printf '==> %s\n' "$out" >&2
