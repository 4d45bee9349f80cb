#!/usr/bin/env bash
# usage: bench/queued_soak.sh   10,000 streams that wait in the release server's queue; see tests/load/queued_test.py.
set -euo pipefail
cd "$(dirname "$0")/.."
[[ -x build/aquilon ]] || { echo "queued_soak: build/aquilon is not there; ./run soak builds it" >&2; exit 1; }
exec python3 tests/load/queued_test.py build/aquilon 10000
