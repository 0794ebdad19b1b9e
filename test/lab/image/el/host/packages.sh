# rpm and dnf as EL sets them up.

# Debian keeps the rpm database in root's home, and its rpm refuses to install without an extra option.
mkdir -p /etc/rpm /usr/lib/rpm/macros.d /var/lib/rpm /usr/libexec
echo '%_dbpath /var/lib/rpm' >/etc/rpm/macros
cat >/usr/lib/rpm/macros.d/macros.dist <<MACROS
%rocky_ver $major
%rocky $major
%centos $major
%rhel $major
%dist .el$major
%el$major 1
MACROS
mv /usr/bin/rpm /usr/libexec/rpm.debian
install -m 755 "$recipe/rpm" /usr/bin/rpm

mkdir -p /etc/yum.repos.d /etc/dnf/vars /etc/pki/rpm-gpg /etc/sysconfig/network-scripts
cat >/etc/dnf/dnf.conf <<'CONF'
[main]
gpgcheck=1
installonly_limit=3
clean_requirements_on_remove=True
best=True
skip_if_unavailable=False
CONF
ln -sf dnf-3 /usr/bin/yum
ln -s dnf/dnf.conf /etc/yum.conf
# Debian puts every plugin into one package. On EL these are packages of their own, and some lack here what they need.
for plugin in local versionlock leaves show_leaves modulesync pre-transaction-actions post-transaction-actions migrate kickstart snapper tracer torproxy; do
  rm -rf /usr/lib/python3/dist-packages/dnf-plugins/$plugin.py "/etc/dnf/plugins/$plugin".*
done

echo pub/rocky >/etc/dnf/vars/contentdir
cp "$lab/keys/rocky.asc" "/etc/pki/rpm-gpg/$rocky_key"
for entry in baseos:BaseOS:1 appstream:AppStream:1 extras:extras:1 "$builder:0"; do
  id=${entry%%:*} enabled=${entry##*:}
  folder=${entry#*:} folder=${folder%:*}
  cat <<REPOSITORY
[$id]
name=Rocky Linux \$releasever - $folder
baseurl=http://dl.rockylinux.org/\$contentdir/\$releasever/$folder/\$basearch/os/
gpgcheck=1
enabled=$enabled
metadata_expire=6h
gpgkey=file:///etc/pki/rpm-gpg/$rocky_key

REPOSITORY
done >/etc/yum.repos.d/rocky.repo

# What the rpm database of a minimal installation holds.
rpm --import "/etc/pki/rpm-gpg/$rocky_key"
cd "$lab/packages"
[ "$major" = 8 ] && set -- platform-python-3* || set -- python3-3*
for name in $(sed '/^#/d' "$recipe/../rpm/rocky/table" | awk -F '|' '$4 == "installed" { print $1 }'); do
  set -- "$@" "$name"-[0-9]*.rpm
done
rpm -i --justdb --nodeps --noscripts rocky-*.rpm "$@"
cd /
