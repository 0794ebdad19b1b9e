#!/bin/sh
# Runs inside mmdebstrap: fetches the Debian packages whose files go into the lab's rpm packages, and unpacks them.
# LAB_DEBS are of the suite of the root file system ($1), LAB_NEWER_DEBS of trixie; LAB_PAYLOAD is where their files go.
set -eu
root=$1
apt_get() {
  chroot "$root" sh -c 'cd /lab-debs && exec apt-get -qq -o APT::Sandbox::User=root "$@"' apt-get "$@"
}

mkdir -p "$root/lab-debs"
# The word splitting is wanted: one argument for each package.
# shellcheck disable=SC2086
apt_get download $LAB_DEBS

mkdir -p "$root/lab-debs/lists/partial"
echo "deb $LAB_ARCHIVE trixie main" >"$root/lab-debs/sources.list"
trixie='-o Dir::Etc::sourcelist=/lab-debs/sources.list -o Dir::Etc::sourceparts=- -o Dir::State::lists=/lab-debs/lists'
# shellcheck disable=SC2086
apt_get $trixie -o APT::Update::Error-Mode=any update
# shellcheck disable=SC2086
apt_get $trixie download $LAB_NEWER_DEBS

for deb in "$root"/lab-debs/*.deb; do
  name=$(dpkg-deb --field "$deb" Package)
  mkdir "$LAB_PAYLOAD/$name"
  # What the root file system has already must stay when an rpm package is removed: dnf itself needs some of it. A newer libc is put elsewhere.
  if [ "$name" = libc6 ] || { [ ! -e "$root/var/lib/dpkg/info/$name.list" ] && [ ! -e "$root/var/lib/dpkg/info/$name:$(dpkg --print-architecture).list" ]; }; then
    dpkg-deb --extract "$deb" "$LAB_PAYLOAD/$name"
  fi
  # The upstream version alone: no epoch, no revision, no Debian suffix.
  echo "$name $(dpkg-deb --field "$deb" Version | sed 's/^[0-9]*://; s/[-+~].*//')" >>"$LAB_PAYLOAD/versions"
done
rm -r "$root/lab-debs"
