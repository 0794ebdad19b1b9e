# PgBouncer as PGDG packages it. Bookworm's is too old, and trixie's needs a newer libc than these hosts have, so it brings that one along.
stage=$work/stage/pgbouncer
own=/usr/lib/pgbouncer
install -D -m 755 -t "$stage$own" "$payload/pgbouncer/usr/sbin/pgbouncer"
for library in ld-linux-x86-64.so.2 libc.so.6 libm.so.6 libresolv.so.2; do
  install -m 755 "$payload/libc6/usr/lib/x86_64-linux-gnu/$library" "$stage$own/"
done
mkdir -p "$stage/usr/bin"
cat >"$stage/usr/bin/pgbouncer" <<SH
#!/bin/sh
exec $own/ld-linux-x86-64.so.2 --library-path $own $own/pgbouncer "\$@"
SH
chmod 755 "$stage/usr/bin/pgbouncer"
install -D -m 644 -t "$stage/etc/pgbouncer" "$recipe/pgbouncer/pgbouncer.ini"
: >"$stage/etc/pgbouncer/userlist.txt"
install -D -m 644 -t "$stage/usr/lib/systemd/system" "$recipe/pgbouncer/pgbouncer.service"
install -D -m 644 "$recipe/pgbouncer/pgbouncer.tmpfiles" "$stage/usr/lib/tmpfiles.d/pgbouncer.conf"
mkdir -p "$stage/var/log/pgbouncer"
build "$recipe/pgbouncer/pgbouncer.spec" pgdg-common ".rhel$major" stage "$stage" version "$(version_of pgbouncer)"
