# Takes Debian's own tools out of sight. update-alternatives goes on working for packages that use it, behind EL's names.
hidden=/usr/lib/.debian
mkdir -p "$hidden/bin" "$hidden/etc" "$hidden/var" /var/lib/alternatives
mv /usr/bin/update-alternatives "$hidden/bin/"
mv /var/lib/dpkg/alternatives/* /var/lib/alternatives/
for name in update-alternatives alternatives; do
  install -m 755 "$recipe/alternatives" "/usr/sbin/$name"
done
mv /usr/bin/apt /usr/bin/apt-* /usr/bin/dpkg /usr/bin/dpkg-* /usr/bin/debconf* /usr/bin/deb-systemd-* "$hidden/bin/"
for name in /usr/sbin/dpkg-* /usr/sbin/invoke-rc.d /usr/sbin/update-rc.d /usr/sbin/update-passwd /usr/sbin/locale-gen /usr/sbin/update-locale /usr/sbin/policy-rc.d /usr/sbin/validlocale; do
  [ ! -e "$name" ] || mv "$name" "$hidden/bin/"
done
mv /etc/apt /etc/dpkg "$hidden/etc/"
mv /var/lib/dpkg /var/lib/apt "$hidden/var/"
# systemd would make services of these, and there would be two sshd.
rm -rf /etc/init.d /etc/rc?.d /etc/rc.local
mkdir /etc/init.d
rm -rf /var/cache/apt /var/cache/debconf /var/log/apt
