# Rocky's own packages, none of which has files: the table's, rocky-release, python, and the distribution's PostgreSQL.
dist=.el$major
[ "$major" = 8 ] && release=8.10 || release=9.4

# empty NAME VERSION RELEASE TAGS: prints a package for a spec that makes many.
empty() {
  printf '%%package -n %s\nSummary: %s (stand-in without files)\nVersion: %s\nRelease: %s\nAutoReqProv: no\n' "$1" "$1" "$2" "$3"
  echo "$4" | tr ';' '\n'
  printf '%%description -n %s\nStand-in.\n%%files -n %s\n' "$1" "$1"
}

# spec NAME VERSION TAGS: prints the head of a spec.
spec() {
  echo "%{load:%{lab_macros}}"
  printf 'Name: %s\nVersion: %s\nRelease: 1%%{?dist}\nSummary: %s (stand-in)\nLicense: BSD\nBuildArch: noarch\nAutoReqProv: no\n' "$1" "$2" "$1"
  echo "$3" | tr ';' '\n'
  printf '%%description\nStand-in.\n'
}

# from_table REPOSITORY: prints its packages.
from_table() {
  sed '/^#/d' "$recipe/rocky/table" | while IFS='|' read -r name on9 on8 _ repository tags; do
    [ "$repository" = "$1" ] || continue
    [ "$major" = 8 ] && version=$on8 || version=$on9
    empty "$name" "$version" '1%{?dist}' "$tags"
  done
}

# rocky-release decides what $releasever is, and which platform modules are for.
{
  spec rocky-release "$release" "Provides: redhat-release = %{version}-%{release}, system-release = %{version}-%{release};Provides: system-release(releasever) = $major;Provides: base-module(platform:el$major);Provides: /etc/redhat-release"
  echo '%files'
  empty rocky-repos "$release" '1%{?dist}' ''
  empty rocky-gpg-keys "$release" '1%{?dist}' ''
  from_table BaseOS
  if [ "$major" = 9 ]; then
    empty python3 3.9.18 '3%{?dist}' 'Provides: python(abi) = 3.9, /usr/bin/python3, platform-python'
  else
    empty platform-python 3.6.8 '62%{?dist}' 'Provides: python(abi) = 3.6'
  fi
} >"$work/baseos.spec"
build "$work/baseos.spec" BaseOS "$dist"

for repository in AppStream extras EPEL; do
  {
    spec "lab-$repository" 1 ''
    from_table "$repository"
  } >"$work/$repository.spec"
  build "$work/$repository.spec" "$repository" "$dist"
done

# On Rocky 8 python3 is a module's package, and the only one that puts a python3 on PATH.
if [ "$major" = 8 ]; then
  build "$recipe/rocky/python36.spec" AppStream '%{nil}'
fi

# The distribution's own PostgreSQL, which a tool must not pick up by mistake; modules.sh says which of it is modular.
sh "$recipe/rocky/streams.sh" "$major" | while read -r version release _; do
  build "$recipe/rocky/postgresql.spec" AppStream '%{nil}' version "$version" release "$release"
done
