# PGDG's repository package; the sections of a real one, for the versions the lab has.
stage=$work/stage/repository
mkdir -p "$stage/etc/yum.repos.d" "$stage/etc/pki/rpm-gpg"
cp "$keys/pgdg.asc" "$stage/etc/pki/rpm-gpg/PGDG-RPM-GPG-KEY-RHEL"
section() { # ID NAME PATH ENABLED
  echo "[$1]
name=$2 for RHEL / Rocky / AlmaLinux \$releasever - \$basearch
baseurl=https://download.postgresql.org/pub/repos/yum/$3/redhat/rhel-\$releasever-\$basearch
enabled=$4
gpgcheck=1
gpgkey=file:///etc/pki/rpm-gpg/PGDG-RPM-GPG-KEY-RHEL
repo_gpgcheck = 1
"
}
{
  section pgdg-common 'PostgreSQL common RPMs' common 1
  section "pgdg-rhel$major-extras" 'Extra packages to support some RPMs in the PostgreSQL RPM repo' "common/pgdg-rhel\$releasever-extras" 0
  for pgmajor in $majors; do section "pgdg$pgmajor" "PostgreSQL $pgmajor" "$pgmajor" 1; done
} >"$stage/etc/yum.repos.d/pgdg-redhat-all.repo"
build "$recipe/repository/pgdg-redhat-repo.spec" pgdg-common '%{nil}' stage "$stage"
