# A container has no SELinux. One program answers for all of its tools; see there for how a test switches it on.
mkdir -p /etc/selinux /var/lib/lab-selinux
printf 'SELINUX=disabled\nSELINUXTYPE=targeted\n' >/etc/selinux/config
echo Disabled >/var/lib/lab-selinux/mode
: >/var/lib/lab-selinux/log
chmod 666 /var/lib/lab-selinux/log
install -m 755 "$recipe/lab-selinux" /usr/libexec/lab-selinux
# semanage comes with the package policycoreutils-python-utils.
for tool in getenforce setenforce selinuxenabled sestatus getsebool setsebool matchpathcon restorecon fixfiles; do
  ln -sf ../libexec/lab-selinux "/usr/sbin/$tool"
done
