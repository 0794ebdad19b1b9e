# keepalived of Rocky's AppStream; its configuration is a sample, with a unit that nothing starts.
stage=$work/stage/keepalived
install -D -m 755 -t "$stage/usr/sbin" "$payload/keepalived/usr/sbin/keepalived"
install -D -m 644 -t "$stage/etc/keepalived" "$recipe/keepalived/keepalived.conf"
install -D -m 644 -t "$stage/usr/lib/systemd/system" "$recipe/keepalived/keepalived.service"
mkdir -p "$stage/etc/sysconfig" "$stage/usr/libexec/keepalived"
echo 'KEEPALIVED_OPTIONS="-D"' >"$stage/etc/sysconfig/keepalived"
build "$recipe/keepalived/keepalived.spec" AppStream ".el$major" stage "$stage" version "$(version_of keepalived)"
