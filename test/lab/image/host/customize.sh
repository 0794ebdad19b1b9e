#!/bin/sh
# Runs at the end of mmdebstrap: turns a fresh Debian root file system ($1) into a test host.
# LAB_KEYS is the folder of the lab's keys, LAB_RECIPE the folder of this file, LAB_SUITE the Debian code name.
set -eu
root=$1

install -m 755 "$LAB_RECIPE/lab-init" "$root/sbin/lab-init"

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

# user:sudo rule; an empty rule leaves the user without any.
for entry in 'admin:NOPASSWD:ALL' 'chatty:NOPASSWD:ALL' 'asks:ALL' 'locked:'; do
  user=${entry%%:*}
  rule=${entry#*:}
  chroot "$root" useradd --create-home --shell /bin/bash "$user"
  if [ -n "$rule" ]; then
    echo "$user ALL=(ALL:ALL) $rule" >"$root/etc/sudoers.d/$user"
    chmod 440 "$root/etc/sudoers.d/$user"
  fi
done
echo 'asks:asks-password' | chroot "$root" chpasswd

for user in admin chatty asks locked root; do
  home=$root/home/$user
  [ "$user" != root ] || home=$root/root
  chroot "$root" install -d -m 700 -o "$user" -g "$user" "${home#"$root"}/.ssh"
  cp "$LAB_KEYS/id_ed25519.pub" "$home/.ssh/authorized_keys"
  chroot "$root" chown "$user:$user" "${home#"$root"}/.ssh/authorized_keys"
  chmod 600 "$home/.ssh/authorized_keys"
done

# Put in front, because Debian's .bashrc returns early in a shell that is not interactive.
for file in .bashrc .profile; do
  path=$root/home/chatty/$file
  { printf 'echo "chatty: welcome from %s"\necho "chatty: warning from %s" >&2\n' "$file" "$file"; cat "$path"; } >"$path.new"
  cat "$path.new" >"$path"
  rm "$path.new"
done

# These fail in a container for reasons that have nothing to do with what is tested.
chroot "$root" systemctl --quiet mask systemd-modules-load.service sys-kernel-debug.mount sys-kernel-tracing.mount dev-hugepages.mount
# Background upgrades would take dpkg's lock in the middle of a test.
chroot "$root" systemctl --quiet disable apt-daily.timer apt-daily-upgrade.timer
chroot "$root" systemctl --quiet enable ssh.service

rm -f "$root"/etc/ssh/ssh_host_* "$root/usr/sbin/policy-rc.d" "$root/etc/resolv.conf" "$root/etc/hostname"
: >"$root/etc/machine-id"
: >"$root/etc/resolv.conf"
: >"$root/etc/hostname"
