# PgBouncer as PGDG packages it; bookworm's is too old.
stage=$work/stage/pgbouncer
install -D -m 755 -t "$stage/usr/bin" "$payload/pgbouncer/usr/sbin/pgbouncer"
install -D -m 644 -t "$stage/etc/pgbouncer" "$recipe/pgbouncer/pgbouncer.ini"
: >"$stage/etc/pgbouncer/userlist.txt"
install -D -m 644 -t "$stage/usr/lib/systemd/system" "$recipe/pgbouncer/pgbouncer.service"
install -D -m 644 "$recipe/pgbouncer/pgbouncer.tmpfiles" "$stage/usr/lib/tmpfiles.d/pgbouncer.conf"
mkdir -p "$stage/var/log/pgbouncer"
build "$recipe/pgbouncer/pgbouncer.spec" pgdg-common ".rhel$major" stage "$stage" version "$(version_of pgbouncer)"
