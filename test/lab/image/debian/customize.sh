#!/bin/sh
# Runs at the end of mmdebstrap: turns a fresh Debian root file system ($1) into a test host.
# LAB_KEYS is the folder of the lab's keys, LAB_HOST that of what all hosts share, LAB_SUITE the Debian code name.
set -eu
root=$1

install -m 755 "$LAB_HOST/lab-init" "$root/sbin/lab-init"

# The lab's certificate authority, so that imitated sites work over https under their real names.
cp "$LAB_KEYS/ca.crt" "$root/usr/local/share/ca-certificates/pgprov-lab.crt"
chroot "$root" update-ca-certificates >/dev/null 2>&1

# Packages come from the mirror of the lab alone, laid out as the installer of Debian does it; settings of the building machine go.
rm -rf "$root/etc/apt/apt.conf.d/99mmdebstrap" "$root/etc/apt/sources.list" "$root"/etc/apt/sources.list.d/* "$root"/var/lib/apt/lists/*
install -m 644 "$LAB_KEYS/debian.asc" "$root/usr/share/keyrings/lab-archive-keyring.asc"
cat >"$root/etc/apt/sources.list.d/debian.sources" <<SOURCES
Types: deb
URIs: http://debian.lab/debian
Suites: $LAB_SUITE
Components: main
Signed-By: /usr/share/keyrings/lab-archive-keyring.asc
SOURCES

# Nobody needs a test host to survive a power cut of the machine it runs on.
echo force-unsafe-io >"$root/etc/dpkg/dpkg.cfg.d/lab"

LAB_PUBLIC_KEY=$(cat "$LAB_KEYS/id_ed25519.pub") chroot "$root" sh -s <"$LAB_HOST/users.sh"

# These fail in a container for reasons that have nothing to do with what is tested.
chroot "$root" systemctl --quiet mask systemd-modules-load.service sys-kernel-debug.mount sys-kernel-tracing.mount dev-hugepages.mount
# Background upgrades would take dpkg's lock in the middle of a test.
chroot "$root" systemctl --quiet disable apt-daily.timer apt-daily-upgrade.timer
chroot "$root" systemctl --quiet enable ssh.service

rm -f "$root"/etc/ssh/ssh_host_* "$root/usr/sbin/policy-rc.d" "$root/etc/resolv.conf" "$root/etc/hostname"
: >"$root/etc/machine-id"
: >"$root/etc/resolv.conf"
: >"$root/etc/hostname"
