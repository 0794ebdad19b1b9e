# Patroni with the unit of PGDG. On Rocky 9 the unit is the one of Patroni >= 4.1, Type=notify: Patroni can only say that it
# is up with python3-systemd, which the package does not require, and so `systemctl start` waits until it gives up. The
# lab's Patroni is older and never says so: the same effect. On Rocky 8 the unit is the older one, Type=simple.
stage=$work/stage/patroni
[ "$major" = 8 ] && type=simple python=python36 || type=notify python=python3
mkdir -p "$stage/usr/bin" "$stage/usr/lib/python3/dist-packages" "$stage/usr/lib/systemd/system"
cp -a "$payload"/patroni/usr/bin/patroni "$payload"/patroni/usr/bin/patronictl "$payload"/patroni/usr/bin/patroni_* "$stage/usr/bin/"
cp -a "$payload/patroni/usr/lib/python3/dist-packages/." "$stage/usr/lib/python3/dist-packages/"
sed "s/@type@/$type/" "$recipe/patroni/patroni.service" >"$stage/usr/lib/systemd/system/patroni.service"
build "$recipe/patroni/patroni.spec" pgdg-common ".rhel$major" stage "$stage" version "$(version_of patroni)" python "$python"
