#!/bin/sh
# The benchmark, from a fresh clone: sets the machine up, builds pgprov and the programs of the benchmark, and measures.
# Arguments go to test/bench/main.ts, e.g. `npm run bench -- --only changeless --rounds 3`; `npm run bench -- --help`.
set -eu
cd "$(dirname "$0")/.."

# Prints the Debian packages that are missing; the first is needed, without the others Ansible or Mitogen takes no part.
missing() {
  command -v time >/dev/null || [ -x /usr/bin/time ] || echo time
  command -v ansible-playbook >/dev/null || echo ansible-core
  # The Python of Ansible, which need not be the first on the path.
  python=$(ansible-playbook --version 2>/dev/null | sed -n 's/.*python version = .*(\(\/.*\))$/\1/p')
  "${python:-/usr/bin/python3}" -c 'import ansible_mitogen, mitogen' 2>/dev/null || echo ansible-mitogen python3-mitogen
}

install_contenders() {
  packages=$(missing | tr '\n' ' ')
  [ -n "$packages" ] || return 0
  if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "bench: not installed here, and only root on a Debian machine can: $packages" >&2
    return 0
  fi
  echo "bench: installing the Debian packages $packages"
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq update </dev/null >.lab/apt.log 2>&1 || :
  # One by one, so that one that cannot be had does not keep the others away.
  for package in $packages; do
    apt-get -qq -y install --no-install-recommends "$package" </dev/null >>.lab/apt.log 2>&1 ||
      echo "bench: $package could not be installed; see .lab/apt.log" >&2
  done
}

case " $* " in
*' --help '* | *' -h '*) sh test/setup.sh unit >/dev/null ;;
*)
  sh test/setup.sh full
  install_contenders
  npm run --silent build
  node esbuild.config.js .lab/bench test/bench/programs/*.ts
  ;;
esac
# Without the process that `tsx` puts in between, which would not wait for the clean-up after Ctrl-C.
exec node --import tsx test/bench/main.ts "$@"
