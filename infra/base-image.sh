#!/usr/bin/env bash
# Prints the name of a base image with Python that this machine's Docker has. Progress goes to standard error.
#
# The public Python image is taken where a container registry can be reached. Elsewhere a base is made from Debian
# packages with debootstrap (as root; half a minute), and kept. It is for trying the function out on this machine: it
# gets no security updates by itself, so deploy from the public image.
#
# Exit status: 0 the image is there; 1 it cannot be had (the last line says why).
# LIMBECK_BASE_IMAGE, where set, is taken as it is.
set -euo pipefail

readonly PUBLIC="python:3.13-slim"
readonly PROBE_SECONDS=15

say() { echo "base image: $*" >&2; }
die() {
  say "$*"
  exit 1
}

here() { docker image inspect "$1" >/dev/null 2>&1; }

suite() { # the newest Debian release that this machine's debootstrap knows, of the two that serve
  local name
  for name in trixie bookworm; do
    [ -e "/usr/share/debootstrap/scripts/$name" ] && echo "$name" && return
  done
  return 1
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
  DEBIAN_FRONTEND=noninteractive apt-get update -qq </dev/null >&2 &&
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" </dev/null >&2 ||
    die "apt-get could not install ${missing[*]}"
}

slim() { # $1: the root of a Debian tree; drops what a function never reads
  rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/* "$1"/var/log/* "$1"/usr/share/doc/* "$1"/usr/share/man/* \
    "$1"/usr/share/info/* "$1"/usr/share/locale/* "$1"/tmp/*
  find "$1" -name __pycache__ -type d -prune -exec rm -rf {} +
}

from_debian() { # $1: image name, $2: suite
  local work root log proxy=""
  install_missing
  eval "$(apt-config shell proxy Acquire::http::Proxy 2>/dev/null)"
  [ -z "$proxy" ] || export http_proxy="$proxy"
  # shellcheck disable=SC2086 # no mirror: debootstrap's own default
  work="$(mktemp -d)"
  trap "rm -rf '$work'" EXIT
  root="$work/root" log="$work/log"
  say "making $1 from Debian packages (about 100 MB to fetch)"
  debootstrap --variant=minbase --include=python3,python3-venv "$2" "$root" $(mirror) >"$log" 2>&1 </dev/null || {
    tail -n 5 "$log" "$root/debootstrap/debootstrap.log" >&2 2>/dev/null || true
    die "debootstrap failed for Debian $2"
  }
  slim "$root"
  tar -C "$root" -c --numeric-owner . | docker import -c 'CMD ["python3"]' -c 'ENV LANG=C.UTF-8' - "$1" >/dev/null
}

main() {
  command -v docker >/dev/null || die "no docker command"
  if [ -n "${LIMBECK_BASE_IMAGE:-}" ]; then
    say "$LIMBECK_BASE_IMAGE, as LIMBECK_BASE_IMAGE says"
    echo "$LIMBECK_BASE_IMAGE" && return
  fi
  if here "$PUBLIC"; then say "$PUBLIC, already here" && echo "$PUBLIC" && return; fi
  local suite image
  suite="$(suite || echo trixie)"
  image="limbeck-python:$suite"
  if here "$image"; then say "$image, already here" && echo "$image" && return; fi
  say "asking for $PUBLIC"
  # Asking is quick where pulling hangs: a registry that is out of reach may never answer.
  if timeout "$PROBE_SECONDS" docker manifest inspect "$PUBLIC" >/dev/null 2>&1 && docker pull -q "$PUBLIC" >&2; then
    echo "$PUBLIC" && return
  fi
  [ "$(id -u)" = 0 ] || die "$PUBLIC is out of reach, and only root can make a base from Debian packages"
  say "$PUBLIC is out of reach"
  from_debian "$image" "$suite"
  say "$image is ready, $(docker image inspect --format '{{.Size}}' "$image" | awk '{ printf "%.0f MB", $1 / 1e6 }')"
  echo "$image"
}

main "$@"
