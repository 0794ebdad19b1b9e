#!/bin/sh
# Runs inside mmdebstrap: fetches every package a test host may be asked to install, with all it needs beyond the image ($1).
# LAB_PACKAGES lists them; LAB_DEBS is where the files go.
set -eu
root=$1
apt_get() {
  chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get -o APT::Sandbox::User=root "$@"
}

# Recommended packages too, because Debian's apt installs them unless told otherwise.
# The word splitting is wanted: one argument for each package.
# shellcheck disable=SC2086
apt_get -qq -y -o APT::Install-Recommends=true -o Debug::NoLocking=true --download-only install $LAB_PACKAGES
mkdir -p "$LAB_DEBS"
mv "$root"/var/cache/apt/archives/*.deb "$LAB_DEBS/"

# What the image already has must be in the mirror as well for a host that asks for it again.
(cd "$LAB_DEBS" && mkdir "$root/lab-debs" && chroot "$root" sh -c 'cd /lab-debs && apt-get -qq -o APT::Sandbox::User=root download ca-certificates openssl sudo iproute2 procps openssh-server' && mv "$root"/lab-debs/*.deb . && rmdir "$root/lab-debs")
