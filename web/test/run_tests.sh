#!/usr/bin/env bash
# The page's tests: run_tests.sh unit | browser | real [AQUILON MODEL]
#   unit     types, stream parser, Markdown, conversation tree, build
#   browser  the page in headless Chromium against a scripted server
#   real     the same suite against `AQUILON serve --model MODEL` (default: the release build and default model)
# Needs what `./run test` installs: web/node_modules, web/test/node_modules, build/web/dist, Chromium.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
# shellcheck source=tools/node_env.sh
source "$root/tools/node_env.sh"
node_env_ensure

run_node_tests() { node --disable-warning=ExperimentalWarning --test --test-reporter=spec "${@/#/$here/}"; }

server=  # outlives run_real, for the trap
run_real() {
  local program=${1:-$root/build/aquilon} model=${2:-smollm2-135m-instruct} port=18480 status=0
  "$program" serve --model "$model" --host 127.0.0.1 --port "$port" --ctx 2048 >"$root/build/web/real_server.log" 2>&1 &
  server=$!
  trap 'kill "$server" 2>/dev/null || true' EXIT
  for ((i = 0; i < 300; i++)); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
    kill -0 "$server" 2>/dev/null || { tail -n 1 "$root/build/web/real_server.log" >&2; return 1; }
    sleep 0.2
  done
  AQUILON_URL=http://127.0.0.1:$port/ run_node_tests calls.test.mjs page.test.mjs schema.test.mjs || status=$?
  return $status
}

case ${1:-} in
  unit) run_node_tests api.test.mjs build.test.mjs chat.test.mjs markdown.test.mjs sse.test.mjs tools.test.mjs types.test.mjs ;;
  browser) run_node_tests calls.test.mjs languages.test.mjs page.test.mjs scripted.test.mjs ;;
  real) shift && run_real "$@" ;;
  *) echo "usage: run_tests.sh unit | browser | real [AQUILON MODEL]" >&2 && exit 2 ;;
esac
