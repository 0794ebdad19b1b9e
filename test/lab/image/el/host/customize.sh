#!/bin/sh
# Runs in a container of the common root file system and turns it into a host that behaves like Rocky Linux.
#
#   customize.sh MAJOR      the folder above lies beside `host` (what all hosts share), `keys` and `packages` (BaseOS of the mirror)
set -eu
major=$1
recipe=$(cd "$(dirname "$0")" && pwd)
lab=$(dirname "$(dirname "$recipe")")
units=/usr/lib/systemd/system
if [ "$major" = 8 ]; then
  release=8.10 codename='Green Obsidian' rocky_key=RPM-GPG-KEY-rockyofficial builder=powertools:PowerTools
else
  release=9.4 codename='Blue Onyx' rocky_key=RPM-GPG-KEY-Rocky-9 builder=crb:CRB
fi

for step in identity packages accounts sshd services selinux debian python; do
  . "$recipe/$step.sh"
done

install -m 755 "$lab/host/lab-init" /sbin/lab-init
rm -rf /etc/ssh/ssh_host_* /var/cache/dnf /var/log/*.log
: >/etc/machine-id
