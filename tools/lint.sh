#!/usr/bin/env bash
# usage: tools/lint.sh [--format-only | --all]
# clang-format on every file, then shellcheck and clang-tidy; clang-tidy looks at the C++ files that differ from the last commit
# but one, or at all of them. Needs build/lint configured.
set -euo pipefail
cd "$(dirname "$0")/.."
status=0
mapfile -t sources < <(find src fuzz tests bench -path '*/node_modules' -prune -o \( -name '*.cpp' -o -name '*.h' \) -print | sort)
clang-format-16 --dry-run -Werror "${sources[@]}" || status=1
[[ ${1:-} != --format-only ]] || exit $status

shellcheck -S warning -x -s bash run .ci/run tools/*.sh || status=1

if [[ ${1:-} == --all ]]; then
  mapfile -t changed < <(printf '%s\n' "${sources[@]}" | grep '\.cpp$')
else
  mapfile -t changed < <({ git diff --name-only HEAD~1; git ls-files --others --exclude-standard; } |
    grep -E '^(src|fuzz|tests)/.*\.cpp$' | sort -u | xargs -r ls 2>/dev/null)
fi
mapfile -t known < <(python3 -c '
import json, os, sys
known = {os.path.relpath(e["file"]) for e in json.load(open("build/lint/compile_commands.json"))}
print("\n".join(f for f in sys.argv[1:] if f in known))' "${changed[@]}")
if [[ -n ${known[*]} ]]; then
  printf '%s\n' "${known[@]}" | xargs -P "$(nproc)" -n 4 clang-tidy-16 -p build/lint --quiet \
    --extra-arg=-Wno-unknown-warning-option --warnings-as-errors='*' 2> >(grep -v 'warnings generated' >&2) || status=1
fi
exit $status
