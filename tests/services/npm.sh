# shellcheck shell=bash
# The servers of the tests that are npm packages: Kinesis twice, and DynamoDB. Sourced by npm/server and by the `up` of
# each; `service` is which, and is also the name of its folder.

services=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$services/../.." && pwd)
# shellcheck source=tests/run.d/tools.sh
. "$top/tests/run.d/tools.sh"
# shellcheck source=tests/services/process.sh
. "$services/process.sh"

# of SERVICE: sets where it is kept: with the build, so that two checkouts do not meet and one cache holds both.
of() {
  local home_variable
  service=$1
  variable=FLOODMARK_${service^^}
  home_variable=${variable}_HOME
  home=${!home_variable:-$(cd "$top" && realpath -m "${CARGO_TARGET_DIR:-target}")/services/$service}
  # One folder of packages for all.
  packages=${home%/*}/npm
}

# settle PORT: a server that has not run yet.
settle() {
  rm -rf "$dir/data"
  mkdir -p "$dir/data"
  echo "export $variable=http://127.0.0.1:$1" >"$dir/env"
}

# port: where the server of the folder listens. Kinesis takes the next one too, for TLS that no test uses.
port() { sed -n "s/.*=.*:\([0-9]*\)$/\1/p" "$dir/env"; }

# serve: becomes the server, with the settings it was given as its environment.
serve() {
  exec setsid env "${settings[@]}" node "$services/npm/start.cjs" "$packages" "$service" "$(port)" "$dir" "$mark"
}

# ready: what it says when it listens.
ready() { grep -qx "listens on $(port)" "$dir/log"; }

# get_packages: what the lock file names, once. No script of a package runs: those with a native part bring it built.
get_packages() {
  local missing=()
  have node || missing+=(nodejs)
  have npm || missing+=(npm)
  packages "${missing[@]}"
  local home=$packages
  is_new packages "$services/npm/package-lock.json" <(node --version) || return 0
  echo "getting the npm packages of tests/services/npm"
  rm -rf "${home:?}/node_modules"
  mkdir -p "$home"
  cp "$services/npm/package.json" "$services/npm/package-lock.json" "$home"
  (cd "$home" && npm ci --ignore-scripts --no-audit --no-fund) >"$home/npm.log" 2>&1 || {
    tail -n 5 "$home/npm.log" >&2
    stop "could not get the npm packages of tests/services/npm; the whole log is $home/npm.log"
  }
  made packages
}

# share: the server that the tests share, with nothing in it unless it runs already.
share() {
  local began=$SECONDS
  mkdir -p "$home"
  "$services/npm/server" runs "$home/shared" "$service" || rm -rf "$home/shared"
  "$services/npm/server" start "$home/shared" "$service"
  {
    echo "export ${variable}_HOME=$home"
    cat "$home/shared/env"
  } >"$home/env"
  echo "$service: $(sed -n 's/.*=http/http/p' "$home/shared/env") after $((SECONDS - began)) s"
}

# up SERVICE: all there is to do for one.
up() {
  # That of another checkout may still stand in the environment.
  unset "FLOODMARK_${1^^}_HOME"
  of "$1"
  get_packages
  share
}
