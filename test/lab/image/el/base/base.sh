#!/bin/sh
# Builds the Debian root file system that both Rocky Linux hosts are made from, and collects what their packages are made from.
#
#   base.sh TAR PAYLOAD      PAYLOAD gets one folder for each Debian package, unpacked, and `versions`
set -eu
LAB_RECIPE=$(cd "$(dirname "$0")" && pwd)
LAB_PAYLOAD=$2
of_suite() {
  awk -F '|' -v suite="$1" '!/^#/ && $4 == suite { print $5 }' "$LAB_RECIPE/../rpm/from-debs/table"
}
LAB_DEBS="postgresql-15 postgresql-client-15 haproxy keepalived $(of_suite bookworm)"
# These are nearer to what PGDG ships, or are a later PostgreSQL, and they run on bookworm's python.
LAB_NEWER_DEBS="postgresql-17 postgresql-client-17 etcd-server etcd-client patroni pgbackrest pgbouncer $(of_suite trixie)"
# What they are linked against. One C library for both PostgreSQL versions, as on a real host: locales sort alike in both.
LAB_NEWER_LIBRARIES="libc6 libc-bin locales libstdc++6 libicu76"
export LAB_RECIPE LAB_PAYLOAD LAB_DEBS LAB_NEWER_DEBS LAB_NEWER_LIBRARIES

# What a minimal installation of Rocky has.
base=systemd,systemd-sysv,libpam-systemd,dbus,openssh-server,openssh-client,sudo,ca-certificates,openssl,gnupg,curl
base=$base,iproute2,iputils-ping,procps,psmisc,kmod,less,netbase,hostname,libcap2-bin,locales,tzdata,python3
base=$base,dnf,rpm,dnf-plugins-core,libdnf2-common,firewalld,nftables

# Libraries that the programs in the lab's rpm packages are linked against.
libraries=libicu72,libldap-2.5-0,libxml2,libxslt1.1,liblz4-1,libzstd1,libreadline8,libgssapi-krb5-2
libraries=$libraries,libevent-2.1-7,libc-ares2,liblua5.3-0,libopentracing-c-wrapper0,libpcre2-8-0,libpam0g,libuuid1,libpopt0
# keepalived’s.
libraries=$libraries,libsnmp40,libnl-3-200,libnl-genl-3-200,libglib2.0-0,libmnl0,libnftnl11

mkdir -p "$LAB_PAYLOAD"
sh "$LAB_RECIPE/../../debootstrap.sh" bookworm "$1" --include="$base,$libraries" \
  --aptopt='APT::Install-Recommends "false"' \
  --customize-hook="$LAB_RECIPE/download.sh"
