#!/usr/bin/env bash
# usage: bench/compare_serving.sh [--repetitions 5] [--clients 1,2,4,8,16] [--prompt 128] [--generate 64] [--each 4]
#   [--join 2048] [--shared 1000] [--goodput ttft:MS,tpot:MS] [--only loads|join|shared] [--model FILE] [--shared-model FILE]
#   [--llamacpp FOLDER]
# `aquilon serve` and `llama-server` on the same GGUF file under the same client, `aquilon bench serve`, one after the other,
# in an order that turns round with every repetition: --each requests a client, a prompt of --join tokens that joins three
# streams, and a second request with the same --shared tokens in front. The table goes to bench/results/serving-DATE.md, every
# result beside it as .jsonl. llama-server gets its better flash attention (as llama-bench finds it) and as many slots as there
# are clients; both get the same threads and contexts. Needs build/aquilon and llama.cpp's programs, which
# bench/compare_llamacpp.sh builds.
set -euo pipefail
cd "$(dirname "$0")/.."
source bench/two_servers.sh
readonly streams=3 join_context=4096
repetitions=5 clients=1,2,4,8,16 prompt=128 generate=64 each=4 join=2048 shared=1000 goodput=ttft:5000,tpot:100 only=''
model=$models/qwen2.5-coder-0.5b-instruct-q4_k_m.gguf
shared_model=$models/qwen2.5-coder-1.5b-instruct-q4_k_m.gguf

while (($#)); do
  (($# > 1)) || fail "$1 needs a value"
  case $1 in
    --repetitions) repetitions=$2 ;;
    --clients) clients=$2 ;;
    --prompt) prompt=$2 ;;
    --generate) generate=$2 ;;
    --each) each=$2 ;;
    --join) join=$2 ;;
    --shared) shared=$2 ;;
    --goodput) goodput=$2 ;;
    --only) only=$2 ;;
    --model) model=$2 ;;
    --shared-model) shared_model=$2 ;;
    --llamacpp) rival=$2 ;;
    *) fail "unknown flag $1" ;;
  esac
  shift 2
done

# measure SIDE NAME FLAG ...: one result of the running server, as a line of the raw file.
measure() {
  local side=$1 name=$2
  shift 2
  build/aquilon bench serve --url "$url" --seed "$seed" --json "$@" 2>/dev/null >"$work/one.json" || true
  python3 - "$side" "$name" "$seed" "$work/one.json" >>"$raw" <<'PY'
import json, sys
side, name, seed, path = sys.argv[1:]
lines = open(path).read().splitlines()
print(json.dumps({"side": side, "test": name, "repetition": int(seed), **(json.loads(lines[0]) if lines else {"failed": -1})}))
PY
}

# round MODEL PARALLEL CONTEXT NAME FLAG ...: both servers, the one that goes first alternating.
round() {
  local file=$1 parallel=$2 context=$3 name=$4 order='aquilon llama-server' side
  shift 4
  ((seed % 2)) || order='llama-server aquilon'
  for side in $order; do
    printf '==> %s, %s, repetition %s\n' "$name" "$side" "$seed" >&2
    start "$side" "$file" "$parallel" "$context" -fa "$attention"
    measure "$side" "$name" "$@"
    stop_server
  done
}

# The faster of llama.cpp's flash attention on and off, prompt and answer together.
best_attention() {
  LD_LIBRARY_PATH=$rival "$rival/llama-bench" -m "$1" -p "$prompt" -n "$generate" -d "$prompt" -t "$threads" -r 2 -fa on,off \
    -o json 2>/dev/null | python3 -c '
import collections, json, sys
seconds = collections.Counter()
for test in json.load(sys.stdin):
    seconds["on" if test["flash_attn"] in (1, "on", True) else "off"] += test["avg_ns"]
print(min(seconds, key=seconds.get))'
}

[[ -x build/aquilon ]] || fail "build/aquilon is not there: ./run build makes it"
[[ -x $rival/llama-server && -x $rival/llama-bench ]] || fail "no llama-server and llama-bench in $rival"
work=$(mktemp -d)
trap 'stop_server; rm -rf "$work"' EXIT
threads=$(nproc)
out=bench/results/serving-$(date -u +%F).md
raw=${out%.md}.jsonl
mkdir -p bench/results
rm -f "$raw"

for seed in $(seq "$repetitions"); do
  if [[ -z $only || $only == loads ]]; then
    [[ -e $model ]] || fail "$model is not there"
    attention=${attention_loads:=$(best_attention "$model")}
    for n in ${clients//,/ }; do
      round "$model" "$n" $(((prompt + generate + 128) / 64 * 64)) "$n clients" --clients "$n" --requests $((n * each)) \
        --prompt "$prompt" --generate "$generate" --warm-up "$n" --goodput "$goodput"
    done
  fi
  if [[ -z $only || $only == join ]]; then
    attention=${attention_loads:=$(best_attention "$model")}
    round "$model" $((streams + 1)) "$join_context" "join" --join "$join" --clients "$streams" --requests 2 --prompt "$prompt"
  fi
  if [[ (-z $only || $only == shared) && -e $shared_model ]]; then
    attention=${attention_shared:=$(best_attention "$shared_model")}
    round "$shared_model" 4 2048 "shared" --route chat --clients 1 --requests 4 --shared-prefix "$shared" --prompt 48 --generate 8
  fi
done
python3 bench/serving_table.py "$raw" "$(git describe --always --dirty)" "${model##*/}" "${shared_model##*/}" \
  "flash attention ${attention_loads:-}${attention_shared:+, ${attention_shared} for the shared prompt}" >"$out"
printf '==> %s\n' "$out" >&2
