#!/bin/sh
# Downloads packages that a suite no longer has from an older suite of the same archive, by this machine's own apt, which checks the signatures.
# LAB_ARCHIVE is the archive.
#
#   older.sh SUITE DEBS PACKAGE...
set -eu
suite=$1
debs=$2
shift 2
state=$(mktemp -d)
trap 'rm -rf "$state"' EXIT
mkdir -p "$state/lists/partial" "$state/cache/archives/partial" "$state/sources"
cat >"$state/sources/older.sources" <<SOURCES
Types: deb
URIs: $LAB_ARCHIVE
Suites: $suite
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
SOURCES
apt_get() {
  apt-get -qq -o APT::Sandbox::User=root -o Dir::Etc::sourcelist=/dev/null -o "Dir::Etc::sourceparts=$state/sources" \
    -o "Dir::State::lists=$state/lists" -o "Dir::Cache=$state/cache" "$@"
}
apt_get update
cd "$debs"
apt_get download "$@"
