#!/usr/bin/env bash
# usage: bench/compare_llamacpp.sh [--pairs 7] [--repetitions 3] [--only WORD] [--llamacpp FOLDER] [--max-foreign PERCENT]
# Aquilon and llama.cpp on the same files, measured in turn by `aquilon bench compare`; the table goes to
# bench/results/llamacpp-DATE.md, the rows beside it as .jsonl. llama.cpp is built for this machine from the PyPI package
# llama-cpp-python, outside the repository, unless FOLDER holds its programs. --only runs the lines whose name has WORD.
# Needs build/aquilon (./run build) and, for the first three models, the files in AQUILON_TEST_MODELS.
set -euo pipefail
cd "$(dirname "$0")/.."
readonly package=llama-cpp-python version=0.3.36
readonly cache=${XDG_CACHE_HOME:-$HOME/.cache}/aquilon
readonly models=${AQUILON_TEST_MODELS:-$cache/test-models}
pairs=7 repetitions=3 only='' rival='' foreign=10

fail() { printf 'compare_llamacpp: %s\n' "$*" >&2; exit 1; }

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

build_llamacpp() {
  local folder=$cache/rivals tree
  mkdir -p "$folder"
  if ! [[ -e $folder/${package//-/_}-$version.tar.gz ]]; then
    python3 -m pip download --no-deps --no-binary "$package" --dest "$folder" "$package==$version"
  fi
  tree=$folder/${package//-/_}-$version
  [[ -d $tree ]] || tar -xzf "$tree.tar.gz" -C "$folder"
  cmake -S "$tree/vendor/llama.cpp" -B "$folder/llamacpp" -G Ninja -DCMAKE_BUILD_TYPE=Release -DGGML_NATIVE=ON \
    -DLLAMA_CURL=OFF -DLLAMA_BUILD_UI=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF
  ninja -C "$folder/llamacpp" llama-bench llama-batched-bench
}

# The best of llama.cpp's own settings for a test: flash attention on or off, whichever is faster here.
best_attention() {
  local model=$1 prompt=$2 generate=$3 depth=$4
  "$rival/llama-bench" -m "$model" -p "$prompt" -n "$generate" -d "$depth" -t "$threads" -r 2 -fa on,off -o json |
    python3 -c 'import json, sys; print("on" if max(json.load(sys.stdin), key=lambda t: t["avg_ts"])["flash_attn"] in (1, "on", True) else "off")'
}

# line NAME MUST AIM A B [FLAG ...]: one comparison, as rows of the table and a line of the raw file.
line() {
  local name=$1 must=$2 aim=$3 a=$4 b=$5 status=0
  shift 5
  [[ $name == *"$only"* ]] || return 0
  printf '==> %s\n' "$name" >&2
  build/aquilon bench compare --a "$a" --b "$b" --pairs "$pairs" --max-foreign "$foreign" --json "$@" >"$work/one.json" || status=$?
  if ! [[ -s $work/one.json ]]; then
    printf '| %s | | not measured (status %s) | | | | %s | %s |\n' "$name" "$status" "$must" "$aim" >>"$out"
    return 0
  fi
  python3 - "$name" "$must" "$aim" "$work/one.json" "${out%.md}.jsonl" >>"$out" <<'PY'
import json, sys
name, must, aim, path, raw = sys.argv[1:]
result = json.load(open(path))
with open(raw, "a") as out:
    out.write(json.dumps({"name": name, **result}) + "\n")
rows = result["tables"]["tests"]
for row in rows:
    print(f"| {name} | {row['test']} | {row['a']:.1f} | {row['b']:.1f} | **{row['ratio']:.2f}** ({row['ratio_min']:.2f} to "
          f"{row['ratio_max']:.2f}) | {row['pairs']}, {row['placement']} | {must} | {aim} |")
if not rows:
    print(f"| {name} | | | | no pair counted: {result['facts']['pairs']} | | {must} | {aim} |")
PY
}

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
if [[ -z $rival ]]; then
  build_llamacpp >&2
  rival=$cache/rivals/llamacpp/bin
fi
[[ -x $rival/llama-bench && -x $rival/llama-batched-bench ]] || fail "no llama-bench and llama-batched-bench in $rival"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
out=bench/results/llamacpp-$(date -u +%F).md
mkdir -p bench/results "$cache/synthetic"
rm -f "${out%.md}.jsonl"
{
  printf '# Aquilon and llama.cpp, %s\n\nCommit %s; llama.cpp of %s %s, built natively. %s, %s threads each.\n' "$(date -u +%F)" \
    "$(git describe --always --dirty)" "$package" "$version" "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" "$threads"
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
