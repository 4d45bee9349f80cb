#!/usr/bin/env bash
# usage: bench/openapi_soak.sh   schemathesis makes up requests from /openapi.json for the release server, as
# tests/clients/python/test_openapi.py does, SCHEMATHESIS_EXAMPLES (100) an operation and way. Ends with 1 where one is
# answered with 5xx or an answer does not fit the description.
set -euo pipefail
cd "$(dirname "$0")/.."
[[ -x build/aquilon ]] || { echo "openapi_soak: build/aquilon is not there; ./run soak builds it" >&2; exit 1; }
export SCHEMATHESIS_EXAMPLES=${SCHEMATHESIS_EXAMPLES:-100}
log=build/logs/soak-openapi.log status=0
mkdir -p build/logs
python3 tests/clients/server_for_test.py build/aquilon build/test-venv/bin/python tests/clients/python/test_openapi.py \
  >"$log" 2>&1 || status=1
echo "$SCHEMATHESIS_EXAMPLES requests an operation and way, made up from the description; the default model answers."
echo
sed -n '/ SUMMARY /,/^=* .* =*$/p' "$log" | sed 's/^/    /'
exit $status
