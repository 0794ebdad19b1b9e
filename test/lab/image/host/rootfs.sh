#!/bin/sh
# Builds the root file system of a test host and collects the packages for the lab's mirror.
#
#   rootfs.sh SUITE TAR DEBS KEYS "PACKAGES"
set -eu
LAB_RECIPE=$(cd "$(dirname "$0")" && pwd)
LAB_SUITE=$1
tar=$2
LAB_DEBS=$3
LAB_KEYS=$4
LAB_PACKAGES=$5
export LAB_RECIPE LAB_SUITE LAB_DEBS LAB_KEYS LAB_PACKAGES

# What a minimal Debian cloud image has and a test host needs; curl, gnupg and python3 are left out on purpose.
base=systemd,systemd-sysv,libpam-systemd,dbus,openssh-server,openssh-client,sudo,ca-certificates
base=$base,iproute2,iputils-ping,procps,kmod,less,netbase,tzdata,hostname,cron

archive=$(sh "$LAB_RECIPE/../archive.sh")

# mmdebstrap starts from apt's defaults, so proxies and the like are handed on by hand.
set --
while read -r option; do
  set -- "$@" --aptopt="$option"
done <<OPTIONS
$(apt-config dump | grep -E '^Acquire::(https?::|Check-|Retries )' | sed '/ "";$/d')
Acquire::Languages "none";
OPTIONS

mmdebstrap --variant=minbase --include="$base" "$@" \
  --dpkgopt='path-exclude=/usr/share/man/*' \
  --dpkgopt='path-exclude=/usr/share/locale/*' \
  --dpkgopt='path-include=/usr/share/locale/locale.alias' \
  --dpkgopt='path-exclude=/usr/share/doc/*' \
  --dpkgopt='path-include=/usr/share/doc/*/copyright' \
  --customize-hook="$LAB_RECIPE/download.sh" \
  --customize-hook="$LAB_RECIPE/customize.sh" \
  "$LAB_SUITE" "$tar" "$archive"
