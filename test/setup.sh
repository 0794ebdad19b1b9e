#!/bin/sh
# Prepares this machine for the tests and the demo; safe to run any number of times.
#
#   sh test/setup.sh unit   the npm packages
#   sh test/setup.sh full   the npm packages, the tools that build the test hosts, and a running Docker engine
#   sh test/setup.sh tests  the same, and Vagrant and Chromium where the system has packages of them
set -eu

mode=${1:-full}
case $mode in
unit | full | tests) ;;
*)
  echo "usage: sh test/setup.sh [unit|full|tests]" >&2
  exit 2
  ;;
esac

cd "$(dirname "$0")/.."
export DEBIAN_FRONTEND=noninteractive

say() { echo "setup: $*"; }
fail() {
  echo "setup: $*" >&2
  exit 1
}

# npm records what it installed in node_modules/.package-lock.json, so the two lock files tell whether anything is missing.
npm_packages_installed() {
  [ -f node_modules/.package-lock.json ] && node -e '
    const read = (file) => JSON.parse(require("node:fs").readFileSync(file, "utf8")).packages;
    const installed = read("node_modules/.package-lock.json");
    const missing = Object.entries(read("package-lock.json")).some(
      ([path, wanted]) => path !== "" && !wanted.optional && !wanted.devOptional && installed[path]?.version !== wanted.version);
    process.exit(missing ? 1 : 0);' 2>/dev/null
}

install_npm_packages() {
  command -v node >/dev/null && command -v npm >/dev/null || fail "Node.js 20.19 or later and npm are needed; install them and run this again."
  npm_packages_installed && return
  say "installing the npm packages of package-lock.json"
  npm ci --no-audit --no-fund </dev/null || fail "npm ci failed; its messages are above."
}

# Prints the Debian package of each tool that is not there yet.
missing_debian_packages() {
  while read -r tool package; do
    [ -n "$(PATH="$PATH:/usr/sbin:/sbin" command -v "$tool")" ] || echo "$package"
  done <<'TOOLS'
dockerd docker.io
docker docker.io
mmdebstrap mmdebstrap
apt-ftparchive apt-utils
rpmbuild rpm
createrepo_c createrepo-c
gpg gnupg
openssl openssl
ssh openssh-client
sshd openssh-server
sudo sudo
dash dash
busybox busybox
psql postgresql-client
age age
TOOLS
}

install_debian_packages() {
  packages=$(missing_debian_packages | sort -u | tr '\n' ' ')
  [ -n "$packages" ] || return 0
  command -v apt-get >/dev/null || fail "the test hosts are built on a Debian machine; this one has no apt-get. Needed here: ${packages}"
  [ "$(id -u)" = 0 ] || fail "not root, so please run once: sudo apt-get install --no-install-recommends ${packages}"
  say "installing the Debian packages ${packages}"
  apt-get -qq update </dev/null >.lab/apt.log 2>&1 || fail_apt
  # The word splitting is wanted: one argument for each package.
  # shellcheck disable=SC2086
  apt-get -qq -y install --no-install-recommends $packages </dev/null >>.lab/apt.log 2>&1 || fail_apt
}

fail_apt() {
  tail -n 15 .lab/apt.log >&2
  fail "apt-get failed; all of its messages are in .lab/apt.log."
}

# Not every release of Debian has a package of it. Arguments: the package, and which tests are skipped without it.
install_optional() {
  ! command -v "$1" >/dev/null || return 0
  if [ "$(id -u)" != 0 ] || ! { apt-cache show "$1" || { apt-get -qq update && apt-cache show "$1"; }; } >/dev/null 2>&1; then
    say "no $1 here and no way to install it from the system's packages: $2 will be skipped"
    return 0
  fi
  say "installing the Debian package $1"
  apt-get -qq -y install --no-install-recommends "$1" </dev/null >>.lab/apt.log 2>&1 || fail_apt
}

docker_answers() { docker info >/dev/null 2>&1; }

start_docker() {
  docker_answers && return
  [ "$(id -u)" = 0 ] || fail "the Docker engine does not answer this user; start it, or run this as root."
  if [ -d /run/systemd/system ]; then
    say "starting the Docker engine with systemctl"
    systemctl start docker </dev/null || fail "systemctl start docker failed; see: journalctl -u docker"
  else
    say "starting the Docker engine (its log: .lab/dockerd.log)"
    # An engine that was ended hard leaves pid files, and a new one takes them for a running engine.
    pgrep -x dockerd >/dev/null || rm -f /var/run/docker.pid /var/run/docker/containerd/containerd.pid
    setsid dockerd </dev/null >>.lab/dockerd.log 2>&1 &
  fi
  tries=0
  until docker_answers; do
    tries=$((tries + 1))
    [ "$tries" -lt 150 ] || { tail -n 15 .lab/dockerd.log >&2 2>/dev/null || :; fail "the Docker engine did not answer within 30 seconds."; }
    sleep 0.2
  done
}

install_npm_packages
if [ "$mode" != unit ]; then
  mkdir -p .lab
  install_debian_packages
  start_docker
fi
if [ "$mode" = tests ]; then
  install_optional vagrant 'the tests of Vagrant labs'
  install_optional zsh "the test of zsh's completion"
  install_optional fish "the test of fish's completion"
  install_optional chromium 'the looks at reports in a browser'
fi
say "ready ($mode)"
