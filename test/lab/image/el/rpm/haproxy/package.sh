# HAProxy of PGDG's extra packages.
stage=$work/stage/haproxy
install -D -m 755 -t "$stage/usr/sbin" "$payload/haproxy/usr/sbin/haproxy"
install -D -m 644 -t "$stage/etc/haproxy" "$recipe/haproxy/haproxy.cfg"
install -D -m 644 -t "$stage/usr/lib/systemd/system" "$recipe/haproxy/haproxy.service"
mkdir -p "$stage/etc/sysconfig" "$stage/var/lib/haproxy"
echo 'OPTIONS=""' >"$stage/etc/sysconfig/haproxy"
build "$recipe/haproxy/haproxy.spec" pgdg-extras ".rhel$major" stage "$stage" version "$(version_of haproxy)"
