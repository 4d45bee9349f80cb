#!/usr/bin/env bash
# usage: bench/streams_soak.sh   256 streams on the release server for AQUILON_SOAK_SECONDS (600); see tests/load/streams_test.py.
set -euo pipefail
cd "$(dirname "$0")/.."
[[ -x build/aquilon ]] || { echo "streams_soak: build/aquilon is not there; ./run soak builds it" >&2; exit 1; }
exec python3 tests/load/streams_test.py build/aquilon "${AQUILON_SOAK_SECONDS:-600}"
