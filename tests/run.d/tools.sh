# shellcheck shell=bash
# What the scripts share: Debian's packages and cargo's tools, each installed only where it is missing.
# Sourced by tests/run, .ci/run and tests/services at the top of the project.

# Where tools and logs are kept: with the build, so that one cache holds both.
target=${CARGO_TARGET_DIR:-$PWD/target}
export PATH="$target/tools/bin:$PATH:$HOME/.cargo/bin"

have() { command -v "$1" >/dev/null 2>&1; }

# stop SENTENCE: the environment is to blame.
stop() {
  echo "$0: $*" >&2
  exit 69
}

# as_root COMMAND...
as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  else
    have sudo || stop "could not run $*: neither root nor sudo"
    sudo "$@"
  fi
}

# packages NAME...: installs Debian packages; does nothing without names.
packages() {
  [ $# -gt 0 ] || return 0
  have apt-get || stop "could not install $*: this is no Debian; install what they hold and run again"
  echo "installing $*"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# build_needs: what a build and its tests need besides Rust.
build_needs() {
  local missing=()
  # cargo fetches crates over TLS and reads the system's list of authorities.
  [ -n "${SSL_CERT_FILE:-}" ] || [ -e /etc/ssl/certs/ca-certificates.crt ] || missing+=(ca-certificates)
  # rustc links with cc; jemalloc and zstd are C. gcc does not pull in the headers of the C library by itself.
  have cc || missing+=(gcc)
  [ -e /usr/include/stdio.h ] || missing+=(libc6-dev)
  # jemalloc has a makefile. So has librdkafka, which speaks Kafka's protocol, is C and C++ and finds the system's OpenSSL.
  have make || missing+=(make)
  have c++ || missing+=(g++)
  have pkg-config || missing+=(pkg-config)
  [ -e /usr/include/openssl/ssl.h ] || missing+=(libssl-dev)
  # The conformance tests run the checkers of the published schemas, which are Python without packages.
  have python3 || missing+=(python3)
  packages "${missing[@]}"
  have cargo || stop "could not find cargo: install Rust with rustup first"
}

# cargo_tool NAME VERSION: a tool of cargo's, built once into the cache. Unoptimized: it builds in a quarter of the
# time and runs for seconds.
cargo_tool() {
  [ "$("$1" --version 2>/dev/null)" != "$1 $2" ] || return 0
  echo "installing $1 $2"
  CARGO_TARGET_DIR="$target/tools/build" \
    cargo install "$1" --version "$2" --locked --debug --quiet --force --root "$target/tools" &&
    rm -rf "$target/tools/build"
}
