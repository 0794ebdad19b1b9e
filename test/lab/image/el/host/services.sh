# What runs: EL's presets leave off whatever they do not list, so a package does not start its services.
mkdir -p /usr/lib/systemd/system-preset
rm -f /usr/lib/systemd/system-preset/*
printf 'enable %s\n' sshd.service firewalld.service chronyd.service crond.service 'dbus.*' 'systemd-*' getty@.service >/usr/lib/systemd/system-preset/90-default.preset
echo 'disable *' >/usr/lib/systemd/system-preset/99-default-disable.preset
systemctl --quiet enable sshd.service firewalld.service
# Debian's timers, and one of dnf that would take its lock in the middle of a test.
for timer in apt-daily apt-daily-upgrade dpkg-db-backup e2scrub_all fstrim; do
  rm -f "/etc/systemd/system/timers.target.wants/$timer.timer"
  rm -f "$units/$timer.timer" "$units/$timer.service"
done
systemctl --quiet mask dnf-makecache.timer
# These fail in a container for reasons that have nothing to do with what is tested.
systemctl --quiet mask systemd-modules-load.service sys-kernel-debug.mount sys-kernel-tracing.mount dev-hugepages.mount systemd-networkd-wait-online.service
# EL's public zone has the cockpit service as well.
sed -i 's|<service name="ssh"/>|&\n  <service name="cockpit"/>|' /usr/lib/firewalld/zones/public.xml
