# shellcheck shell=bash
# shellcheck disable=SC2154 # `home` is of those that source this
# The process of a server in a folder of its own: how it is started, found again and ended. Sourced by the scripts that
# start one, and by `down`.
#
# `dir` is the folder. Beside it, who starts a server sets `home`, where its program lies, and defines
#
#   settle PORT   makes the folder of a server that has not run yet, and may be called again with another port
#   serve         becomes the server, or starts it and returns when it answers, in a session of its own, so that what
#                 ends the tests' terminal does not end it; the server has `mark` among its arguments
#   ready         says by its exit code whether it answers

READY_MAX=120 # seconds; a loaded machine takes 30
STOP_MAX=20   # seconds, of which a server needs two

# own FOLDER: whose server it is about.
own() {
  dir=$(realpath -m "$1")
  mark=-Dfloodmark.folder=$dir
}

# answers PORT: whether anyone listens.
answers() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# free_ports: the first of five ports in a row that nobody listens on; below those that the system gives to clients
# (32768) and those that other tests take (20000).
free_ports() {
  local base port
  while true; do
    base=$((12000 + RANDOM % 1500 * 5))
    for ((port = base; port < base + 5; port++)); do
      ! answers "$port" || continue 2
    done
    echo "$base"
    return
  done
}

# runs: whether the server of this folder does; `pid` is its process. A launcher may have started it, and another one
# may have been given the id of one that ended, so it is known by its mark alone.
runs() {
  # The mark is not among the arguments of the one that searches.
  pid=$(grep -lzxF -f /dev/stdin /proc/[0-9]*/cmdline 2>/dev/null <<<"$mark" | head -n 1) || true
  pid=${pid//[!0-9]/}
  [ -n "$pid" ]
}

# dies PROCESS: whether it is about to end. It has no command line then, and its ports until its last thread is gone;
# when only its parent has not noticed yet, it is over.
dies() {
  local state threads
  [ -z "$(tr -d '\0' 2>/dev/null <"/proc/$1/cmdline")" ] || return 1
  read -r _ _ state _ 2>/dev/null <"/proc/$1/stat" || return 1
  threads=$(find "/proc/$1/task" -mindepth 1 -maxdepth 1 2>/dev/null | wc -l)
  [ "$state" != Z ] || [ "$threads" -gt 1 ]
}

# ended SECONDS: waits until the server is no more; says whether it still is.
ended() {
  local deadline=$((SECONDS + $1)) was=$pid
  while runs || dies "$was"; do
    [ "$SECONDS" -le "$deadline" ] || return 1
    sleep 0.05
  done
  rm -f "$dir/pid" "$(note)"
}

# note: the file that tells `down` of this folder.
note() { echo "$home/running/$(sha256sum <<<"$dir" | cut -c 1-16)"; }

# launch: starts the server and waits until it is ready.
launch() {
  local starter deadline=$((SECONDS + READY_MAX))
  mkdir -p "$home/running"
  echo "$dir" >"$(note)"
  [ ! -e "$dir/log" ] || cat "$dir/log" >>"$dir/log.before"
  : >"$dir/log"
  serve >"$dir/log" 2>&1 </dev/null 9>&- &
  starter=$!
  until ready; do
    kill -0 "$starter" 2>/dev/null || runs || return 1
    [ "$SECONDS" -le "$deadline" ] || return 1
    sleep 0.05
  done
  runs && echo "$pid" >"$dir/pid"
}

# start PORT: does nothing where the server runs. The port is for a new one, which takes a free one where it is empty;
# that may be taken by the time the server asks for it.
start() {
  local tries=5
  ! runs || return 0
  mkdir -p "$dir"
  [ ! -e "$dir/env" ] || tries=1
  [ -e "$dir/env" ] || settle "${1:-$(free_ports)}"
  until launch; do
    ! runs || kill -KILL "$pid" 2>/dev/null || true
    tries=$((tries - 1))
    if [ -n "$1" ] || [ "$tries" = 0 ] || ! grep -qE 'Bind[A-Za-z]*Exception|EADDRINUSE' "$dir/log"; then
      tail -n 20 "$dir/log" >&2
      stop "could not start the server in $dir: its log ends as above"
    fi
    settle "$(free_ports)"
  done
}

# end SIGNAL: SIGTERM reaches a paused process only when it goes on.
end() {
  runs || return 0
  kill "-$1" "$pid" 2>/dev/null || true
  kill -CONT "$pid" 2>/dev/null || true
  ended "$STOP_MAX" || {
    ! runs || kill -KILL "$pid" 2>/dev/null || true
    ended 10 || stop "could not end process $pid"
  }
}

# signal NAME: to a server that must run.
signal() {
  runs || stop "no server runs in $dir"
  kill "-$1" "$pid"
}
