# Sourced by the comparisons with llama.cpp: its programs, and rows of a table from `aquilon bench compare`.
# Expects pairs, only, foreign, rival (folder of llama.cpp's programs, or empty), threads, work and out to be set.
# shellcheck shell=bash disable=SC2154
readonly package=llama-cpp-python version=0.3.36
readonly cache=${XDG_CACHE_HOME:-$HOME/.cache}/aquilon

fail() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2; exit 1; }

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

# Sets rival to llama.cpp's programs, and builds them where no folder was named.
find_llamacpp() {
  if [[ -z $rival ]]; then
    build_llamacpp >&2
    rival=$cache/rivals/llamacpp/bin
  fi
  [[ -x $rival/llama-bench && -x $rival/llama-batched-bench ]] || fail "no llama-bench and llama-batched-bench in $rival"
  export LD_LIBRARY_PATH=$rival${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
}

# What was measured with what, in a sentence.
describe_run() {
  printf 'Commit %s; llama.cpp of %s %s, built natively. %s, %s threads each.' "$(git describe --always --dirty)" "$package" \
    "$version" "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" "$threads"
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
