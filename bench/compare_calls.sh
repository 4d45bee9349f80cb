#!/usr/bin/env bash
# usage: bench/compare_calls.sh [--cases 12] [--clients 2] [--categories A,B] [--choice auto,required] [--strict true,false]
#   [--models NAME,NAME] [--data FOLDER] [--llamacpp FOLDER] [--python PROGRAM] [--out FILE]
# Calls by `aquilon serve` and by llama-server on the same GGUF files, scored by bench/function_calling.py: of each category of
# --data the --cases shortest. llama-server is asked with --strict unset alone, and its answers are scored twice: by its tool_calls, and
# with calls that it left in the text. The table goes to bench/results/calls-DATE.md, the rows beside it as .jsonl. Without
# llama.cpp's programs (bench/compare_llamacpp.sh builds them) it is left out. Arguments are checked against their schemas where
# --python has the package jsonschema. Needs build/aquilon and the models in AQUILON_TEST_MODELS.
set -euo pipefail
cd "$(dirname "$0")/.."
source bench/two_servers.sh
cases=12 clients=2 categories=simple_python,multiple,parallel,parallel_multiple,irrelevance,live_simple,live_multiple
choice=auto,required strict=true,false names=qwen2.5-coder-1.5b-instruct-q4_k_m,qwen2.5-coder-0.5b-instruct-q4_k_m
data=../shared/data/function-calling python=python3 out=bench/results/calls-$(date -u +%F).md

while (($#)); do
  (($# > 1)) || fail "$1 needs a value"
  case $1 in
    --cases) cases=$2 ;;
    --clients) clients=$2 ;;
    --categories) categories=$2 ;;
    --choice) choice=$2 ;;
    --strict) strict=$2 ;;
    --models) names=$2 ;;
    --data) data=$2 ;;
    --llamacpp) rival=$2 ;;
    --python) python=$2 ;;
    --out) out=$2 ;;
    *) fail "unknown flag $1" ;;
  esac
  shift 2
done
[[ -x build/aquilon ]] || fail "build/aquilon is not there: ./run build makes it"
[[ -d $data ]] || fail "no folder $data: --data names one with a file CATEGORY.jsonl for each category"

work=$(mktemp -d)
trap 'stop_server; rm -rf "$work"' EXIT
threads=$(nproc)

# ask SIDE MODEL STRICT
ask() {
  start "$1" "$models/$2.gguf" "$clients" 8192 --jinja
  "$python" bench/function_calling.py --url "$url" --data "$data" --cases "$cases" --clients "$clients" --categories "$categories" \
    --choice "$choice" --strict "$3" --max-tokens 256 --label "$1, $2" --out "${out%.md}.jsonl" >&2
  stop_server
}

rm -f "${out%.md}.jsonl" "${out%.md}.jsonl.cases"
for model in ${names//,/ }; do
  [[ -e $models/$model.gguf ]] || { printf 'left out: %s is not there\n' "$models/$model.gguf" >&2; continue; }
  ask aquilon "$model" "$strict"
  if [[ -x $rival/llama-server ]]; then ask llama-server "$model" unset; fi
done
python3 bench/calls_table.py "$(git describe --always --dirty)" "${out%.md}.jsonl" >"$out"
printf '==> %s\n' "$out" >&2
