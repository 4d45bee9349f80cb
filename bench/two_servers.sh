# Sourced by the comparisons of servers: `aquilon serve` and `llama-server` in turn on the same GGUF file, one at a time.
# Expects rival (folder of llama.cpp's programs), threads and work (a folder of the run) to be set.
# shellcheck shell=bash disable=SC2154
readonly cache=${XDG_CACHE_HOME:-$HOME/.cache}/aquilon
readonly models=${AQUILON_TEST_MODELS:-$cache/test-models}
rival=$cache/rivals/llamacpp/bin

fail() { printf '%s: %s\n' "$(basename "$0" .sh)" "$*" >&2; exit 1; }

server=''
stop_server() {
  [[ -n $server ]] || return 0
  kill "$server" 2>/dev/null || true
  wait "$server" 2>/dev/null || true
  server=''
}

free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# start SIDE MODEL PARALLEL CONTEXT [FLAG ...]: a server with room for PARALLEL requests of CONTEXT tokens each, the flags are
# llama-server's; sets url.
start() {
  local side=$1 model=$2 parallel=$3 context=$4 port
  shift 4
  port=$(free_port)
  url=http://127.0.0.1:$port
  if [[ $side == aquilon ]]; then
    build/aquilon serve --model "$model" --port "$port" --parallel "$parallel" --ctx "$context" --threads "$threads" \
      --no-log-requests >"$work/server.log" 2>&1 &
  else
    LD_LIBRARY_PATH=$rival "$rival/llama-server" -m "$model" --port "$port" --parallel "$parallel" -c $((parallel * context)) \
      -t "$threads" -tb "$threads" "$@" >"$work/server.log" 2>&1 &
  fi
  server=$!
  for _ in $(seq 600); do
    curl -sf --noproxy '*' "$url/health" >/dev/null 2>&1 && return 0
    kill -0 "$server" 2>/dev/null || break
    sleep 0.2
  done
  tail -n 5 "$work/server.log" >&2
  fail "$side did not start"
}
