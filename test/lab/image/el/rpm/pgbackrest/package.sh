# pgBackRest as PGDG packages it: the unit without a pause at its start is that of the version that Debian's binary has.
stage=$work/stage/pgbackrest
install -D -m 755 -t "$stage/usr/bin" "$payload/pgbackrest/usr/bin/pgbackrest"
install -D -m 644 "$recipe/pgbackrest/pgbackrest.conf" "$stage/etc/pgbackrest.conf"
install -D -m 644 -t "$stage/usr/lib/systemd/system" "$recipe/pgbackrest/pgbackrest.service"
for directory in lib log spool; do install -d -m 700 "$stage/var/$directory/pgbackrest"; done
build "$recipe/pgbackrest/pgbackrest.spec" pgdg-common ".rhel$major" stage "$stage" version "$(version_of pgbackrest)"
