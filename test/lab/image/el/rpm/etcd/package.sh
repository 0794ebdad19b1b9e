# etcd as PGDG packages it: its settings are an environment file, in a directory that only root may enter.
stage=$work/stage/etcd
install -D -m 755 -t "$stage/usr/bin" "$payload/etcd-server/usr/bin/etcd" "$payload/etcd-server/usr/bin/etcdutl" "$payload/etcd-client/usr/bin/etcdctl"
install -D -m 644 -t "$stage/etc/etcd" "$recipe/etcd/etcd.conf"
install -D -m 644 -t "$stage/usr/lib/systemd/system" "$recipe/etcd/etcd.service"
mkdir -p "$stage/var/lib/etcd"
build "$recipe/etcd/etcd.spec" pgdg-extras ".rhel$major" stage "$stage" version "$(version_of etcd-server)"
