# shellcheck shell=bash
# shellcheck disable=SC2154 # `product` is of those that source this
# What OpenSearch and Elasticsearch have in common as servers of the tests. Sourced by the `node` of each, which sets
# `product`, in lower case, and defines `serve`, and `prepare` for what else lies in the folder.

services=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$services/../.." && pwd)
# shellcheck source=tests/run.d/tools.sh
. "$top/tests/run.d/tools.sh"
# shellcheck source=tests/services/process.sh
. "$services/process.sh"

# With the build, so that two checkouts do not meet and one cache holds both.
target=$(cd "$top" && realpath -m "${CARGO_TARGET_DIR:-target}")
variable=FLOODMARK_${product^^}
home_variable=${variable}_HOME
home=${!home_variable:-$target/services/$product}

# usage: the first lines of the script that was called.
usage() {
  sed -n '2,${/^#/!q;s/^# \{0,1\}//p}' "$0" >&2
  exit 64
}

# settle PORT: the settings are those of every server, those of the product, and those that were asked for.
settle() {
  rm -rf "$dir/data"
  mkdir -p "$dir/config" "$dir/data" "$dir/logs" "$dir/tmp"
  {
    cat "$services/search.yml" "$services/$product/settings.yml"
    printf '%s\n' "http.port: $1" "transport.port: $(($1 + 1))" "path.data: $dir/data" "path.logs: $dir/logs"
    [ ${#settings[@]} = 0 ] || printf '%s\n' "${settings[@]/=/: }"
  } >"$dir/config/$product.yml"
  prepare
  echo "export ${variable}_$version=http://127.0.0.1:$1" >"$dir/env"
}

# ready: whether every shard that was there is there again, too.
ready() {
  local port line
  port=$(sed 's/.*://' "$dir/env")
  { exec 3<>"/dev/tcp/127.0.0.1/$port"; } 2>/dev/null || return 1
  printf 'GET /_cluster/health?wait_for_status=yellow&timeout=1s HTTP/1.0\r\n\r\n' >&3 2>/dev/null
  read -r -t 5 line <&3 || line=
  exec 3>&-
  [[ $line = *' 200 '* ]]
}

# node COMMAND DIR [VERSION [SETTING=VALUE...]]: what the script was called with.
node() {
  [ $# -ge 2 ] || usage
  own "$2"
  case $1 in
    start)
      version=$(cat "$dir/version" 2>/dev/null || echo "${3:-}")
      settings=("${@:4}")
      [ -n "$version" ] || usage
      [ -e "$home/$version.sum" ] || stop "could not find $product $version: run tests/services/up $product first"
      mkdir -p "$dir"
      echo "$version" >"$dir/version"
      start ""
      ;;
    stop) end TERM ;;
    kill) end KILL ;;
    pause) signal STOP ;;
    resume) signal CONT ;;
    runs) runs ;;
    *) usage ;;
  esac
}

# share VERSION...: the servers that the tests share, with nothing in them unless they run already.
share() {
  local version began=$SECONDS
  echo "export $home_variable=$home" >"$home/env"
  # One after the other: each takes all the processors there are.
  for version in "$@"; do
    dir=$home/shared/$version
    "$services/$product/node" runs "$dir" || rm -rf "$dir"
    "$services/$product/node" start "$dir" "$version"
    echo "$product $version: $(sed -n 's/.*=http/http/p' "$dir/env") after $((SECONDS - began)) s"
    began=$SECONDS
    cat "$dir/env" >>"$home/env"
  done
}
