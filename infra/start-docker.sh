#!/usr/bin/env bash
# Prints the address of a Docker daemon on standard output, starting one where none runs. Progress goes to standard error.
#
#   export DOCKER_HOST="$(infra/start-docker.sh)"   use the running daemon, or start our own (as root only)
#   infra/start-docker.sh --stop                    stop our own; a daemon that somebody else started is left alone
#
# Exit status: 0 a daemon answers; 1 there is none and none can be started (the last line says why).
# Our daemon keeps its images in the user's cache folder, so that the next run finds them. It is a folder beside
# Limbeck's own cache, not inside it: emptying that cache must not pull the ground from under a running daemon.
set -euo pipefail

readonly DATA="${XDG_CACHE_HOME:-${HOME:?}/.cache}/limbeck-docker"
readonly RUN=/run/limbeck-docker # short: a socket's path has at most 107 bytes
readonly SOCKET="unix://$RUN/docker.sock"
readonly PIDFILE="$RUN/docker.pid"
readonly LOG="$DATA/dockerd.log"
readonly WAIT_SECONDS=60

say() { echo "docker: $*" >&2; }
die() {
  say "$*"
  exit 1
}

answers() { timeout 20 docker ${1:+-H "$1"} version --format '{{.Server.Version}}' >/dev/null 2>&1; }

our_pid() { # the process id of our daemon, if it lives
  local pid
  pid="$(cat "$PIDFILE" 2>/dev/null)" || return 1
  [ "$(cat "/proc/$pid/comm" 2>/dev/null)" = dockerd ] && echo "$pid"
}

stop() {
  local pid
  pid="$(our_pid)" || { say "our daemon is not running, nothing to stop" && return 0; }
  kill "$pid"
  for _ in $(seq 30); do
    our_pid >/dev/null || { say "stopped" && return 0; }
    sleep 1
  done
  die "process $pid did not stop within 30 s, see $LOG"
}

install_missing() {
  local missing=()
  command -v dockerd >/dev/null || missing+=(docker.io)
  command -v iptables >/dev/null || missing+=(iptables)
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "no daemon answers, and ${missing[*]} cannot be installed without apt-get"
  apt update || true # an old list may do
  # Newer Debian has the client in a package of its own.
  if ! command -v docker >/dev/null && apt-cache show docker-cli >/dev/null 2>&1; then missing+=(docker-cli); fi
  say "installing ${missing[*]} with apt-get"
  # The package starts a service of its own where an init system runs; where none does, that is not an error here.
  apt install --no-install-recommends "${missing[@]}" || {
    tail -n 5 "$LOG" >&2
    die "apt-get could not install ${missing[*]}, see $LOG"
  }
}

apt() { DEBIAN_FRONTEND=noninteractive apt-get -y -qq "$@" >>"$LOG" 2>&1 </dev/null; }

start() {
  local daemon=""
  our_pid >/dev/null || rm -f "$PIDFILE" # left by a machine that went down
  if ! our_pid >/dev/null; then
    say "starting a daemon of our own (images in $DATA, log in $LOG; stop it with: make docker-stop)"
    # The daemon tries overlay2 first and falls back to vfs by itself.
    setsid nohup dockerd --data-root "$DATA/data" --exec-root "$RUN/exec" --pidfile "$PIDFILE" -H "$SOCKET" \
      >>"$LOG" 2>&1 </dev/null &
    daemon=$!
  fi
  for _ in $(seq "$WAIT_SECONDS"); do
    if [ -n "$daemon" ] && ! kill -0 "$daemon" 2>/dev/null; then
      tail -n 3 "$LOG" >&2
      die "the daemon we started gave up, see $LOG"
    fi
    if answers "$SOCKET"; then
      say "ready, storage driver $(docker -H "$SOCKET" info --format '{{.Driver}}' 2>/dev/null)"
      return 0
    fi
    sleep 1
  done
  tail -n 5 "$LOG" >&2
  die "the daemon we started did not answer within $WAIT_SECONDS s, see $LOG"
}

main() {
  if [ "${1:-}" = --stop ]; then stop && return; fi
  if command -v docker >/dev/null && answers ""; then
    # SAM reads DOCKER_HOST only, so a daemon chosen by `docker context` is named too.
    echo "${DOCKER_HOST:-$(docker context inspect --format '{{.Endpoints.docker.Host}}' 2>/dev/null || true)}"
    return
  fi
  if command -v docker >/dev/null && answers "$SOCKET"; then echo "$SOCKET" && return; fi
  [ "$(uname -s)" = Linux ] || die "no daemon answers: start Docker"
  [ "$(id -u)" = 0 ] || die "no daemon answers, and only root can start one: start Docker, or run as root"
  mkdir -p "$DATA" "$RUN"
  install_missing
  if answers ""; then echo "${DOCKER_HOST:-unix:///var/run/docker.sock}" && return; fi
  start
  echo "$SOCKET"
}

main "$@"
