#!/usr/bin/env bash
# usage: bench/compare_llamacpp.sh [--pairs 7] [--repetitions 3] [--only WORD] [--llamacpp FOLDER] [--max-foreign PERCENT]
# Aquilon and llama.cpp on the same files, measured in turn by `aquilon bench compare`; the table goes to
# bench/results/llamacpp-DATE.md, the rows beside it as .jsonl. llama.cpp is built for this machine from the PyPI package
# llama-cpp-python, outside the repository, unless FOLDER holds its programs. --only runs the lines whose name has WORD.
# Needs build/aquilon (./run build) and, for the first three models, the files in AQUILON_TEST_MODELS.
set -euo pipefail
cd "$(dirname "$0")/.."
source bench/beside_llamacpp.sh
readonly models=${AQUILON_TEST_MODELS:-$cache/test-models}
pairs=7 repetitions=3 only='' rival='' foreign=10

while (($#)); do
  (($# > 1)) || fail "$1 needs a value"
  case $1 in
    --pairs) pairs=$2 ;;
    --repetitions) repetitions=$2 ;;
    --only) only=$2 ;;
    --llamacpp) rival=$2 ;;
    --max-foreign) foreign=$2 ;;
    *) fail "unknown flag $1" ;;
  esac
  shift 2
done

# read NAME MODEL: a prompt of 512 tokens.
read_prompt() {
  local fa
  [[ $1 == *"$only"* ]] || return 0
  fa=$(best_attention "$2" 512 0 0)
  line "$1" 2.0 "$3" "aquilon bench model --model $2 --prompt 512 --generate 0 --repetitions $repetitions --threads $threads" \
    "$rival/llama-bench -m $2 -p 512 -n 0 -r $repetitions -t $threads -fa $fa"
}

# write NAME MODEL DEPTH MUST AIM: 64 tokens by one sequence.
write_tokens() {
  local fa
  [[ $1 == *"$only"* ]] || return 0
  fa=$(best_attention "$2" 0 32 "$3")
  line "$1" "$4" "$5" \
    "aquilon bench model --model $2 --prompt '' --generate 64 --depth $3 --sequences 1 --repetitions $repetitions --threads $threads" \
    "$rival/llama-bench -m $2 -p 0 -n 64 -d $3 -r $repetitions -t $threads -fa $fa"
}

# together NAME MODEL: 2, 4 and 8 sequences after 16 tokens each.
together() {
  line "$1" "1.6 / 1.8 / 2.2" "2.3 / 2.7 / 3.8" \
    "aquilon bench model --model $2 --prompt '' --generate 32 --depth 16 --sequences 2,4,8 --repetitions $repetitions --threads $threads" \
    "$rival/llama-batched-bench -m $2 -npp 16 -ntg 32 -npl 2,4,8 -c 2048 -b 2048 -ub 512 -t $threads -tb $threads"
}

# start NAME MODEL: the whole program up to the first token.
start() {
  line "$1" 1.0 2.0 "aquilon complete --model $2 --ids 1 --max-tokens 1 --threads $threads" \
    "$rival/llama-bench -m $2 -p 1 -n 0 -r 1 --no-warmup -t $threads" --wall
}

[[ -x build/aquilon ]] || fail "build/aquilon is not there: ./run build makes it"
threads=$(nproc)
find_llamacpp
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
out=bench/results/llamacpp-$(date -u +%F).md
mkdir -p bench/results "$cache/synthetic"
rm -f "${out%.md}.jsonl"
{
  printf '# Aquilon and llama.cpp, %s\n\n%s\n' "$(date -u +%F)" "$(describe_run)"
  printf 'Tokens a second (start: runs a second); medians of pairs run in turn, %s samples a run; llama.cpp with flash attention\n' "$repetitions"
  printf 'on or off, whichever is faster. %s\n\n' 'The ratio is ours to theirs, pair by pair, with the least and the largest.'
  printf '| test | | Aquilon | llama.cpp | ratio | pairs, placement | must | aim |\n|---|---|---|---|---|---|---|---|\n'
} >"$out"

for model in qwen2.5-coder-1.5b-instruct-q4_k_m qwen2.5-coder-0.5b-instruct-q4_k_m smollm2-135m-instruct-q4_1; do
  file=$models/$model.gguf
  [[ -e $file ]] || { printf 'left out: %s is not there\n' "$file" >&2; continue; }
  read_prompt "prefill, $model" "$file" 3.0
  write_tokens "decode, $model" "$file" 0 1.05 1.2
  [[ $model == smollm2* ]] || write_tokens "decode at 4096, $model" "$file" 4096 1.3 1.75
  together "sequences, $model" "$file"
  start "start, $model" "$file"
done
for type in Q4_0 Q4_K Q8_0 Q6_K Q5_K Q4_1; do
  name="prefill, 7B shape, 8 layers, $type"
  [[ $name == *"$only"* || "decode, 7B shape, 8 layers, $type" == *"$only"* ]] || continue
  file=$cache/synthetic/mistral-7b-8-$type.gguf
  [[ -e $file ]] || python3 tools/make_synthetic_model.py --out "$file" --type $type
  read_prompt "$name" "$file" 2.8
  write_tokens "decode, 7B shape, 8 layers, $type" "$file" 0 1.05 1.2
done
printf '==> %s\n' "$out" >&2
