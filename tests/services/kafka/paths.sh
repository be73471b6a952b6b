# shellcheck shell=bash
# Where the tests' Kafka lies and how its two programs are started. Sourced by the scripts beside it.

kafka=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
top=$(cd "$kafka/../../.." && pwd)
# shellcheck source=tests/run.d/tools.sh
. "$top/tests/run.d/tools.sh"

# With the build, so that two checkouts do not meet and one cache holds both.
home=${FLOODMARK_KAFKA_HOME:-$(cd "$top" && realpath -m "${CARGO_TARGET_DIR:-target}")/services/kafka}

# The programs live for seconds: the first compiler and the plainest collector start fastest. Classes come out of an
# archive where `up` has made one; where it does not fit the Java that runs, the JVM would say so on stdout.
# shellcheck disable=SC2034 # for those that source this
java=(java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -Xshare:auto -Xlog:disable)

# jars PATTERN...: the class path of the jars with these names. The order is part of what an archive is made for, so it
# must not follow the language of the machine.
jars() {
  local LC_ALL=C pattern
  for pattern in "$@"; do
    # shellcheck disable=SC2086 # a pattern
    printf '%s:' "$home"/lib/$pattern
  done
}

# broker_path: all but the client's log, and what knows AWS identities.
broker_path() {
  jars '[!s]*.jar' 's[!l]*.jar' 'slf4j-api-*.jar'
  printf '%s:' "$home/iam.jar"
}

# client_path: the client and what it needs, which is little.
client_path() {
  printf '%s:' "$home/client.jar"
  jars 'kafka-clients-*.jar' 'slf4j-*.jar' 'lz4-*.jar' 'snappy-*.jar' 'zstd-*.jar'
}
