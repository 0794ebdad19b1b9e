# What a host says it is.
rm -f /etc/os-release /etc/debian_version /etc/issue* /etc/lsb-release
cat >/usr/lib/os-release <<RELEASE
NAME="Rocky Linux"
VERSION="$release ($codename)"
ID="rocky"
ID_LIKE="rhel centos fedora"
VERSION_ID="$release"
PLATFORM_ID="platform:el$major"
PRETTY_NAME="Rocky Linux $release ($codename)"
ANSI_COLOR="0;32"
CPE_NAME="cpe:/o:rocky:rocky:$major::baseos"
HOME_URL="https://rockylinux.org/"
ROCKY_SUPPORT_PRODUCT="Rocky-Linux-$major"
ROCKY_SUPPORT_PRODUCT_VERSION="$release"
REDHAT_SUPPORT_PRODUCT="Rocky Linux"
REDHAT_SUPPORT_PRODUCT_VERSION="$release"
RELEASE
ln -s ../usr/lib/os-release /etc/os-release
echo "Rocky Linux release $release ($codename)" >/etc/rocky-release
ln -s rocky-release /etc/redhat-release
ln -s rocky-release /etc/system-release

localedef -i en_US -f UTF-8 en_US.UTF-8
echo 'LANG="en_US.UTF-8"' >/etc/locale.conf
: >/etc/default/locale
ln -sf bash /usr/bin/sh

# The lab's certificate authority, in the places where programs of EL look.
mkdir -p /etc/pki/tls/certs /etc/pki/ca-trust/source/anchors
cp "$lab/keys/ca.crt" /etc/pki/ca-trust/source/anchors/pgprov-lab.crt
cp "$lab/keys/ca.crt" /usr/local/share/ca-certificates/pgprov-lab.crt
update-ca-certificates >/dev/null 2>&1
ln -s /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt
install -m 755 "$recipe/update-ca-trust" /usr/bin/update-ca-trust
