#!/usr/bin/env bash
# usage: bench/server_soak.sh   Clients of every kind on the release server for AQUILON_SOAK_SECONDS (600); see the .py.
set -euo pipefail
cd "$(dirname "$0")/.."
[[ -x build/aquilon ]] || { echo "server_soak: build/aquilon is not there; ./run soak builds it" >&2; exit 1; }
exec python3 bench/server_soak.py build/aquilon "${AQUILON_SOAK_SECONDS:-600}"
