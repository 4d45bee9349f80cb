#!/usr/bin/env bash
# The TypeScript libraries' tests: run_tests.sh FILE.test.mjs..., with the environment of server_for_test.py.
# Needs what `./run test` installs: node_modules here; skipped (77) without them.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[[ -d $here/node_modules ]] || { echo "skipped: $here/node_modules is not there; ./run test installs it"; exit 77; }
# shellcheck source=tools/node_env.sh
source "$here/../../../tools/node_env.sh"
node_env_ensure
node --test --test-reporter=spec "${@/#/$here/}"
