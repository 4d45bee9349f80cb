#!/usr/bin/env bash
# usage: bench/crash_soak.sh   AQUILON_SOAK_KILLS (1000) times kill -9 under load; see tests/accounts/crash_test.py.
set -euo pipefail
cd "$(dirname "$0")/.."
[[ -x build/aquilon ]] || { echo "crash_soak: build/aquilon is not there; ./run soak builds it" >&2; exit 1; }
exec python3 tests/accounts/crash_test.py build/aquilon "${AQUILON_SOAK_KILLS:-1000}"
