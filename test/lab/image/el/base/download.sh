#!/bin/sh
# Runs inside mmdebstrap: fetches the Debian packages whose files go into the lab's rpm packages, and unpacks them.
# LAB_DEBS are of the suite of the root file system ($1), LAB_NEWER_DEBS of trixie; LAB_PAYLOAD is where their files go. LAB_NEWER_LIBRARIES,
# of trixie as well, come into the root file system.
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
# shellcheck disable=SC2086
apt_get $trixie --yes --no-remove --no-install-recommends install $LAB_NEWER_LIBRARIES
# This one says that it needs a newer OpenSSL, which would replace that of the whole system, and runs on this one.
# shellcheck disable=SC2086
apt_get $trixie download libldap2
chroot "$root" sh -c 'dpkg --force-depends --install /lab-debs/libldap2_*.deb && rm /lab-debs/libldap2_*.deb'

for deb in "$root"/lab-debs/*.deb; do
  name=$(dpkg-deb --field "$deb" Package)
  mkdir "$LAB_PAYLOAD/$name"
  # What the root file system has already must stay when an rpm package is removed: dnf itself needs some of it.
  if [ ! -e "$root/var/lib/dpkg/info/$name.list" ] && [ ! -e "$root/var/lib/dpkg/info/$name:$(dpkg --print-architecture).list" ]; then
    dpkg-deb --extract "$deb" "$LAB_PAYLOAD/$name"
  fi
  # The upstream version alone: no epoch, no revision, no Debian suffix.
  echo "$name $(dpkg-deb --field "$deb" Version | sed 's/^[0-9]*://; s/[-+~].*//')" >>"$LAB_PAYLOAD/versions"
done
rm -r "$root/lab-debs"
