#!/usr/bin/env bash
# Prints the name of a base image with Python that this machine's Docker has. Progress goes to standard error.
#
# The public Python image is taken where a container registry can be reached. Elsewhere a base is made from Debian
# packages with debootstrap (as root; half a minute), and kept. It is for trying the function out on this machine: it
# gets no security updates by itself, so deploy from the public image.
#
# Exit status: 0 the image is there; 1 it cannot be had (the last line says why).
# LIMBECK_BASE_IMAGE, where set, is taken as it is. LIMBECK_PYTHON, where set, is the Python that is wanted, such as 3.11.
set -euo pipefail

readonly PUBLIC="python:${LIMBECK_PYTHON:-3.13}-slim"
readonly NAME="limbeck-python"
case "${LIMBECK_PYTHON:-}" in
  3.13) readonly SUITES="trixie" ;;
  3.11) readonly SUITES="bookworm" ;;
  *) readonly SUITES="${LIMBECK_PYTHON:-trixie bookworm}" ;; # a Debian release has one Python
esac
readonly PROBE_SECONDS=15

say() { echo "base image: $*" >&2; }
die() {
  say "$*"
  exit 1
}

here() { docker image inspect "$1" >/dev/null 2>&1; }

suite() { # the newest Debian release, of those that serve, that this machine's debootstrap knows
  local name
  for name in $SUITES; do
    if [ -e "/usr/share/debootstrap/scripts/$name" ]; then echo "$name" && return; fi
  done
  die "this machine's debootstrap knows none of: $SUITES"
}

mirror() { # where apt gets Debian itself from on this machine; nothing on other systems
  apt-get indextargets --format '$(ORIGIN) $(RELEASE) $(COMPONENT) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
    awk '$1 == "Debian" && $3 == "main" && $2 !~ /-/ && $4 ~ /^https?:/ { print $4; exit }' || true
}

install_missing() {
  local missing=()
  command -v debootstrap >/dev/null || missing+=(debootstrap)
  [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || missing+=(debian-archive-keyring)
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null || die "${missing[*]} cannot be installed without apt-get"
  say "installing ${missing[*]} with apt-get"
  apt update || true # an old list may do
  apt install --no-install-recommends "${missing[@]}" || die "apt-get could not install ${missing[*]}"
}

apt() { DEBIAN_FRONTEND=noninteractive apt-get -y -qq -o Dpkg::Use-Pty=0 "$@" >/dev/null </dev/null; }

slim() { # $1: the root of a Debian tree; drops what a function never reads
  rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/* "$1"/var/log/* "$1"/usr/share/doc/* "$1"/usr/share/man/* \
    "$1"/usr/share/info/* "$1"/usr/share/locale/* "$1"/tmp/*
  find "$1" -name __pycache__ -type d -prune -exec rm -rf {} +
}

from_debian() { # prints the image's name
  local suite image work root log proxy=""
  install_missing
  suite="$(suite)"
  image="$NAME:$suite"
  eval "$(apt-config shell proxy Acquire::http::Proxy 2>/dev/null)"
  [ -z "$proxy" ] || export http_proxy="$proxy"
  work="$(mktemp -d)"
  # shellcheck disable=SC2064 # the folder's name is needed now
  trap "rm -rf '$work'" EXIT
  root="$work/root" log="$work/log"
  say "making $image from Debian packages (about 100 MB to fetch, half a minute of work)"
  # shellcheck disable=SC2046 # no mirror: debootstrap's own default
  debootstrap --variant=minbase --include=python3,python3-venv "$suite" "$root" $(mirror) >"$log" 2>&1 </dev/null || {
    tail -n 5 "$log" >&2
    die "debootstrap failed for Debian $suite"
  }
  slim "$root"
  tar -C "$root" -c --numeric-owner . | docker import -c 'CMD ["python3"]' -c 'ENV LANG=C.UTF-8' - "$image" >/dev/null
  say "$image is ready, $(docker image inspect --format '{{.Size}}' "$image" | awk '{ printf "%.0f MB", $1 / 1e6 }')"
  echo "$image"
}

main() {
  docker version >/dev/null 2>&1 || die "no Docker daemon answers, infra/start-docker.sh may start one"
  if [ -n "${LIMBECK_BASE_IMAGE:-}" ]; then
    say "$LIMBECK_BASE_IMAGE, as LIMBECK_BASE_IMAGE says"
    echo "$LIMBECK_BASE_IMAGE" && return
  fi
  if here "$PUBLIC"; then say "$PUBLIC, already here" && echo "$PUBLIC" && return; fi
  local suite
  for suite in $SUITES; do
    if here "$NAME:$suite"; then say "$NAME:$suite, already here" && echo "$NAME:$suite" && return; fi
  done
  say "asking for $PUBLIC"
  # Asking is quick where pulling hangs: a registry that is out of reach may never answer.
  if timeout "$PROBE_SECONDS" docker manifest inspect "$PUBLIC" >/dev/null 2>&1 && docker pull -q "$PUBLIC" >&2; then
    echo "$PUBLIC" && return
  fi
  say "$PUBLIC is out of reach"
  [ "$(id -u)" = 0 ] || die "$PUBLIC is out of reach, and only root can make a base from Debian packages"
  from_debian
}

main "$@"
