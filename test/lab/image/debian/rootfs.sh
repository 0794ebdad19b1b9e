#!/bin/sh
# Builds the root file system of a Debian test host and collects the packages for the lab's mirror.
#
#   rootfs.sh SUITE TAR DEBS KEYS "PACKAGES" EARLIER-SUITE "PACKAGES-OF-IT" OLDER-SUITE "PACKAGES-OF-IT"
set -eu
LAB_RECIPE=$(cd "$(dirname "$0")" && pwd)
LAB_HOST=$LAB_RECIPE/../host
LAB_SUITE=$1
tar=$2
LAB_DEBS=$3
LAB_KEYS=$4
LAB_PACKAGES=$5
LAB_EARLIER_SUITE=$6
LAB_EARLIER_PACKAGES=$7
LAB_OLDER_SUITE=$8
LAB_OLDER_PACKAGES=$9
export LAB_RECIPE LAB_HOST LAB_SUITE LAB_DEBS LAB_KEYS LAB_PACKAGES LAB_EARLIER_SUITE LAB_EARLIER_PACKAGES LAB_OLDER_SUITE LAB_OLDER_PACKAGES

# What a minimal Debian cloud image has and a test host needs; curl, gnupg and python3 are left out on purpose.
base=systemd,systemd-sysv,libpam-systemd,dbus,openssh-server,openssh-client,sudo,ca-certificates
base=$base,iproute2,iputils-ping,procps,kmod,less,netbase,tzdata,hostname,cron

sh "$LAB_RECIPE/../debootstrap.sh" "$LAB_SUITE" "$tar" --include="$base" \
  --customize-hook="$LAB_RECIPE/download.sh" \
  --customize-hook="$LAB_RECIPE/customize.sh"
