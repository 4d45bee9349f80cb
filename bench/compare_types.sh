#!/usr/bin/env bash
# usage: bench/compare_types.sh [--part types|kernels|mixtures|all] [--pairs 2] [--repetitions 1] [--layers 2] [--only WORD]
#                               [--llamacpp FOLDER] [--max-foreign PERCENT]
# Aquilon and llama.cpp on random weights in every stored type, and on mixtures of experts, measured in turn by
# `aquilon bench compare`: a prompt of 512 tokens and 32 tokens written; mixtures by 8 sequences as well. `kernels` holds each type's
# product with 512 tokens to Q4_0's. Tables go to bench/results/types-DATE.md (types, kernels) and moe-DATE.md, the rows
# beside them as .jsonl. Models are cut to --layers of a 7B (two of Mixtral, four of Qwen3 30B-A3B), made one at a time in
# ~/.cache/aquilon/synthetic, 5 GB at most, and deleted. --only runs the lines whose name has WORD.
# Needs build/aquilon (./run build), and llama.cpp as bench/compare_llamacpp.sh.
set -euo pipefail
cd "$(dirname "$0")/.."
source bench/beside_llamacpp.sh
part=all pairs=2 repetitions=1 layers=2 only='' rival='' foreign=10

while (($#)); do
  (($# > 1)) || fail "$1 needs a value"
  case $1 in
    --part) part=$2 ;;
    --pairs) pairs=$2 ;;
    --repetitions) repetitions=$2 ;;
    --layers) layers=$2 ;;
    --only) only=$2 ;;
    --llamacpp) rival=$2 ;;
    --max-foreign) foreign=$2 ;;
    *) fail "unknown flag $1" ;;
  esac
  shift 2
done
[[ $part =~ ^(types|kernels|mixtures|all)$ ]] || fail "--part is types, kernels, mixtures or all, not $part"

# Type and how many times llama.cpp's speed a prompt should have: at least, and aimed at.
readonly types=(
  Q4_0 2.3 2.8 Q4_1 3 4 Q5_0 3 4 Q5_1 3 4 Q8_0 2.6 3.4 Q2_K 3 4 Q3_K 3 4 Q4_K 2.3 2.8 Q5_K 3 4 Q6_K 3 4
  IQ4_NL 2.3 2.8 IQ4_XS 3 4 IQ3_S 10 17 IQ3_XXS 10 17 IQ2_S 10 17 IQ2_XS 10 17 IQ2_XXS 10 17 IQ1_S 10 17 IQ1_M 10 17
  MXFP4 2.3 2.8 NVFP4 2.3 2.8 TQ1_0 3 4 TQ2_0 3 4 BF16 1.1 1.35 F16 1.1 1.2 F32 1 1
)

# make SHAPE LAYERS TYPE: sets file to a model that is there until the next one is made.
make() {
  rm -f "${file:-}"
  file=$cache/synthetic/bench-$1-$2-$3.gguf
  python3 tools/make_synthetic_model.py --out "$file" --shape "$1" --layers "$2" --type "$3"
}

head_of() { # FILE TITLE
  rm -f "${1%.md}.jsonl"
  printf '# %s, %s\n\n%s\n' "$2" "$(date -u +%F)" "$(describe_run)" >"$1"
  printf 'Tokens a second; medians of pairs run in turn, %s samples a run; random weights. Wanted: prompt (written), least and aim.\n\n' \
    "$repetitions" >>"$1"
}

columns() {
  printf '| %s | | Aquilon | llama.cpp | ratio | pairs, placement | least | aim |\n|---|---|---|---|---|---|---|---|\n' "$1" >>"$out"
}

# speed NAME LEAST AIM: prompt and writing of $file.
speed() {
  line "$1" "$2" "$3" \
    "aquilon bench model --model $file --prompt 512 --generate 32 --depth 0 --sequences 1 --repetitions $repetitions --threads $threads" \
    "$rival/llama-bench -m $file -p 512 -n 32 -r $repetitions -t $threads -fa $fa"
}

together() {
  line "$1" "$2" "$3" \
    "aquilon bench model --model $file --prompt '' --generate 32 --depth 16 --sequences 8 --repetitions $repetitions --threads $threads" \
    "$rival/llama-batched-bench -m $file -npp 16 -ntg 32 -npl 8 -c 2048 -b 2048 -ub 512 -t $threads -tb $threads"
}

run_types() {
  local i name
  head_of "$out" 'Aquilon and llama.cpp, type by type'
  printf 'Shape: %s layers of Mistral 7B.\n\n' "$layers" >>"$out"
  columns type
  for ((i = 0; i < ${#types[@]}; i += 3)); do
    name=${types[i]}
    [[ $name == *"$only"* ]] || continue
    make mistral-7b "$layers" "$name"
    [[ -n ${fa:-} ]] || fa=$(best_attention "$file" 512 0 0)
    speed "$name" "${types[i + 1]} (1.05)" "${types[i + 2]} (1.15)"
  done
}

# Each type and Q4_0 in one run, so that both meet the same machine.
run_kernels() {
  local type
  [[ -e $out ]] || head_of "$out" 'Aquilon, type by type'
  {
    printf '\n## Products with 512 tokens beside those of Q4_0\n\n'
    printf 'Medians of five samples, `aquilon bench kernels --tokens 512 --rows 14336 --columns 4096`; wanted: 0.8 of Q4_0.\n\n'
    printf '| type | Gop/s | Q4_0 | ratio |\n|---|---|---|---|\n'
  } >>"$out"
  for type in Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K Q4_K Q5_K Q6_K IQ4_NL IQ4_XS IQ3_S IQ3_XXS IQ2_S IQ2_XS IQ2_XXS IQ1_S IQ1_M MXFP4 NVFP4 TQ1_0 TQ2_0; do
    [[ $type == *"$only"* ]] || continue
    printf '==> kernels, %s\n' "$type" >&2
    build/aquilon bench kernels --types "Q4_0,$type" --tokens 512 --rows 14336 --columns 4096 --threads "$threads" --json 2>"$work/log" |
      python3 -c '
import json, sys
rows = {row["type"]: row["gops"] for row in json.load(sys.stdin)["tables"]["kernels"]}
type, base = sys.argv[1], rows["Q4_0"]
print(f"| {type} | {rows[type]:.0f} | {base:.0f} | **{rows[type] / base:.2f}** |")' "$type" >>"$out"
  done
}

run_mixtures() {
  local shape cut type
  head_of "$out" 'Aquilon and llama.cpp, mixtures of experts'
  printf 'qwen3-30b-a3b: 128 experts, 8 a token, 4 layers; mixtral: 8 experts, 2 a token, 2 layers.\n\n' >>"$out"
  columns 'shape, type'
  for shape in qwen3-30b-a3b mixtral; do
    [[ $shape == mixtral ]] && cut=2 || cut=4
    for type in Q4_K_M Q4_0 Q8_0; do
      [[ "$shape, $type" == *"$only"* ]] || continue
      make "$shape" "$cut" "$type"
      [[ -n ${fa:-} ]] || fa=$(best_attention "$file" 512 0 0)
      speed "$shape, $type" '1.6 (1.2)' '2.2 (1.4)'
      together "$shape, $type" 1.8 2.8
    done
  done
}

[[ -x build/aquilon ]] || fail "build/aquilon is not there: ./run build makes it"
threads=$(nproc)
find_llamacpp
work=$(mktemp -d)
trap 'rm -rf "$work" "${file:-}"' EXIT
mkdir -p bench/results "$cache/synthetic"
for one in types kernels mixtures; do
  [[ $part == "$one" || $part == all ]] || continue
  [[ $one == mixtures ]] && out=bench/results/moe-$(date -u +%F).md || out=bench/results/types-$(date -u +%F).md
  "run_$one"
  printf '==> %s\n' "$out" >&2
done
