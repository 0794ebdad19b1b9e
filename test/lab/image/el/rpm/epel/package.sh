# The package by which EPEL is enabled. The real one names a list of mirrors, from which dnf chooses one.
stage=$work/stage/epel
install -D -m 644 "$keys/rocky.asc" "$stage/etc/pki/rpm-gpg/RPM-GPG-KEY-EPEL-$major"
mkdir -p "$stage/etc/yum.repos.d"
cat >"$stage/etc/yum.repos.d/epel.repo" <<REPOSITORY
[epel]
name=Extra Packages for Enterprise Linux $major - \$basearch
baseurl=https://dl.fedoraproject.org/pub/epel/$major/Everything/\$basearch/
enabled=1
gpgcheck=1
gpgkey=file:///etc/pki/rpm-gpg/RPM-GPG-KEY-EPEL-$major
REPOSITORY
build "$recipe/epel/epel-release.spec" extras ".el$major" stage "$stage"
