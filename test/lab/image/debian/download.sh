#!/bin/sh
# Runs inside mmdebstrap: fetches every package a test host may be asked to install, with all it needs beyond the image ($1),
# and makes them quick to install. LAB_PACKAGES lists them; LAB_DEBS is where the files go. LAB_EARLIER_PACKAGES come from LAB_EARLIER_SUITE, and
# LAB_OLDER_PACKAGES from LAB_OLDER_SUITE.
set -eu
root=$1
apt_get() {
  chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get -o APT::Sandbox::User=root "$@"
}

# What mmdebstrap fetched for the image itself.
apt_get clean
# Of recommended packages the mirror has the listed ones alone: apt skips those it cannot find.
# The word splitting is wanted: one argument for each package.
# shellcheck disable=SC2086
apt_get -qq -y -o APT::Install-Recommends=false -o Debug::NoLocking=true --download-only install $LAB_PACKAGES
mkdir -p "$LAB_DEBS"
mv "$root"/var/cache/apt/archives/*.deb "$LAB_DEBS/"

# What the image already has must be in the mirror as well for a host that asks for it again.
mkdir "$root/lab-debs"
chroot "$root" sh -c 'cd /lab-debs && apt-get -qq -o APT::Sandbox::User=root download ca-certificates openssl sudo iproute2 procps openssh-server'
mv "$root"/lab-debs/*.deb "$LAB_DEBS/"
rmdir "$root/lab-debs"

# shellcheck disable=SC2086
[ -z "$LAB_EARLIER_PACKAGES" ] || sh "$LAB_RECIPE/older.sh" "$LAB_EARLIER_SUITE" "$LAB_DEBS" $LAB_EARLIER_PACKAGES
# A suite that is no longer published must not keep the lab from being built: only tests of these packages fail then.
# shellcheck disable=SC2086
sh "$LAB_RECIPE/older.sh" "$LAB_OLDER_SUITE" "$LAB_DEBS" $LAB_OLDER_PACKAGES || echo "the archive has no $LAB_OLDER_PACKAGES of $LAB_OLDER_SUITE: hosts cannot install it"

# A Python to compile with, because the image has none.
mkdir "$root/lab-repack" "$root/lab-repack/python"
for deb in "$LAB_DEBS"/python3.*-minimal_*.deb "$LAB_DEBS"/libpython3.*-minimal_*.deb "$LAB_DEBS"/libpython3.*-stdlib_*.deb; do
  dpkg-deb --extract "$deb" "$root/lab-repack/python"
done
# Packages come without their own compilation, so a Python that does not run must not go unnoticed.
chroot "$root" env PYTHONHOME=/lab-repack/python/usr sh -c 'exec /lab-repack/python/usr/bin/python3.* -c "import compileall"'
# Nobody needs these any more; see repack.sh. Small packages are not worth the work.
rm -f "$LAB_DEBS"/libllvm*.deb "$LAB_DEBS"/libz3-*.deb
find "$LAB_DEBS" -name '*.deb' \( -size +64k -o -name '*python3*' \) -print0 | LAB_ROOT=$root xargs -0 -n 8 -P 2 sh "$LAB_RECIPE/repack.sh"
rm -r "$root/lab-repack"
