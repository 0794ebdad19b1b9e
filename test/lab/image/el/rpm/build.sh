#!/bin/sh
# Builds the packages of the imitated PGDG and Rocky repositories for one major version of EL, unsigned.
#
#   build.sh MAJOR PAYLOAD OUT KEYS      OUT gets a folder for each repository, and modules.yaml
set -eu
recipe=$(cd "$(dirname "$0")" && pwd)
major=$1
payload=$2
out=$3
keys=$4
work=$out/work
mkdir -p "$work" "$out/CRB"

# version_of DEB: the version of the Debian package that files were taken from.
version_of() {
  sed -n "s/^$1 //p" "$payload/versions"
}

# build SPEC REPOSITORY DIST [MACRO VALUE]...: the files of a package are those that were put into its stage.
build() {
  spec=$1
  repository=$2
  dist=$3
  shift 3
  options=$#
  while [ "$options" -gt 0 ]; do
    set -- "$@" --define "$1 $2"
    shift 2
    options=$((options - 2))
  done
  rpmbuild -bb --quiet --target x86_64 --define "lab_macros $recipe/macros" \
    --define "_topdir $work/top" --define "_rpmdir $out/$repository" \
    --define "dist $dist" --define "major $major" "$@" "$spec"
}

# The major versions of PostgreSQL: Rocky 9 has a second one to upgrade to.
[ "$major" = 8 ] && majors=15 || majors='15 17'
# PostgreSQL takes as long as all the others together.
(
  for pgmajor in $majors; do . "$recipe/postgresql/package.sh"; done
) &
postgresql=$!
for package in etcd haproxy keepalived patroni pgbackrest pgbouncer repository from-debs selinux langpack epel rocky; do
  (. "$recipe/$package/package.sh")
done
wait "$postgresql"
sh "$recipe/rocky/modules.sh" "$major" >"$out/modules.yaml"
rm -r "$work"
