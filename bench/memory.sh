#!/usr/bin/env bash
# usage: bench/memory.sh [--only 7b|30b|refusal]
# Peak memory of a whole Mistral 7B and a whole Qwen3 30B-A3B (random weights, Q4_K_M) that read 512 tokens and write one, beside
# 1.1 times the file + keys and values of the context + 150 MB; and what is said of a model that cannot fit, which must come
# before anything is allocated. The table goes to bench/results/memory-DATE.md. The files, 4.4 and 18 GB, are made one at a
# time in AQUILON_BENCH_DISK (~/.cache/aquilon/synthetic) and deleted. Needs build/aquilon and 20 GB of free memory for all of it.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${AQUILON_BENCH_DISK:-${XDG_CACHE_HOME:-$HOME/.cache}/aquilon/synthetic}
only=''
fail() { printf 'memory: %s\n' "$*" >&2; exit 1; }
if (($#)); then
  [[ $# == 2 && $1 == --only && $2 =~ ^(7b|30b|refusal)$ ]] || fail "usage: bench/memory.sh [--only 7b|30b|refusal]"
  only=$2
fi
[[ -x build/aquilon ]] || fail "build/aquilon is not there: ./run build makes it"
mkdir -p "$folder" bench/results
out=bench/results/memory-$(date -u +%F).md
file=$folder/memory.gguf
ids=$(seq -s , 300 811)
trap 'rm -f "$file" "$file.part"' EXIT

make() { # SHAPE LAYERS TYPE [--sparse]
  local need
  need=$([[ ${4:-} == --sparse ]] && echo 0 || echo 20000000000)
  (($(df --output=avail -B1 "$folder" | tail -n 1) > need)) || fail "$folder has less than 20 GB left"
  rm -f "$file"
  python3 tools/make_synthetic_model.py --out "$file" --shape "$1" --layers "$2" --type "$3" "${@:4}"
}

# measure NAME BYTES: peak of build/aquilon on $file beside the bound; BYTES: keys and values of a context of 1024.
measure() {
  python3 - "$1" "$2" "$file" "$ids" >>"$out" <<'PY'
import os, resource, subprocess, sys, time
name, kv, path, ids = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
begin = time.monotonic()
command = ["build/aquilon", "complete", "--model", path, "--ids", ids, "--max-tokens", "1", "--ctx", "1024"]
done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
seconds = time.monotonic() - begin
if done.returncode:
    print(f"| {name} | not run: {done.stderr.strip().splitlines()[-1]} | | | | |")
    sys.exit(1)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
size = os.path.getsize(path)
bound = 1.1 * size + kv + 150e6
print(f"| {name} | {size / 1e6:.0f} | {kv / 1e6:.0f} | **{peak / 1e6:.0f}** | {bound / 1e6:.0f} | {seconds:.1f} |")
sys.exit(f"memory: {name}: {peak} bytes are more than {bound:.0f}") if peak > bound else None
PY
}

{
  printf '# Peak memory, %s\n\nCommit %s. %s, %s GB of memory.\n' "$(date -u +%F)" "$(git describe --always --dirty)" \
    "$(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1)" "$(awk '/MemTotal/ {printf "%.0f", $2 / 1e6}' /proc/meminfo)"
  printf 'MB of 1e6 bytes; bound: 1.1 times the file, keys and values of 1,024 tokens, and 150.\n'
  printf '512 tokens read, one written, by `aquilon complete`; seconds with the start, of a file just written.\n\n'
  printf '| model | file | keys, values | peak | bound | seconds |\n|---|---|---|---|---|---|\n'
} >"$out"
status=0
if [[ -z $only || $only == 7b ]]; then
  make mistral-7b 32 Q4_K_M
  measure 'Mistral 7B, Q4_K_M' $((2 * 2 * 32 * 8 * 128 * 1024)) || status=1
fi
if [[ -z $only || $only == 30b ]]; then
  make qwen3-30b-a3b 48 Q4_K_M
  measure 'Qwen3 30B-A3B, Q4_K_M' $((2 * 2 * 48 * 4 * 128 * 1024)) || status=1
fi
if [[ -z $only || $only == refusal ]]; then
  make mixtral 32 Q8_0 --sparse
  before=$(date +%s%N)
  code=0
  said=$(build/aquilon complete --model "$file" --ids 1 --max-tokens 1 2>&1) || code=$?
  printf '\nMixtral 8x7B, Q8_0 (a sparse file of %s bytes), after %s ms, exit status %s:\n\n```text\n%s\n```\n' "$(stat -c %s "$file")" \
    $((($(date +%s%N) - before) / 1000000)) "$code" "${said//$folder\//}" >>"$out"
  ((code != 0)) || status=1
fi
cat "$out"
exit "$status"
