#!/bin/sh
# The first process of the S3 server's container: all of Swift on one disk, one copy of everything, S3 by TLS on port 443.
# BUCKET is made, which KEY (`account:user`) with SECRET may use; `ready` is printed when it is there. The certificate is in /keys.
set -eu
cd /etc/swift
mkdir -p /srv/node/disk /run/swift /var/cache/swift
chown swift: /srv/node/disk /run/swift /var/cache/swift
printf '%s\n' '[swift-hash]' 'swift_hash_path_suffix = lab' '[storage-policy:0]' 'name = only' 'default = yes' '[swift-constraints]' >swift.conf

# Without a syslog every line that is logged would be an error of its own.
common='user = swift
workers = 1
log_level = CRITICAL'
port=6200
for kind in object container account; do
  swift-ring-builder $kind.builder create 4 1 1 >/dev/null
  swift-ring-builder $kind.builder add r1z1-127.0.0.1:$port/disk 1 >/dev/null
  swift-ring-builder $kind.builder rebalance >/dev/null
  cat >$kind-server.conf <<CONF
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = $port
devices = /srv/node
mount_check = false
$common
[pipeline:main]
pipeline = $kind-server
[app:$kind-server]
use = egg:swift#$kind
CONF
  swift-$kind-server $kind-server.conf &
  port=$((port + 1))
done

cat >proxy-server.conf <<CONF
[DEFAULT]
bind_port = 443
cert_file = /keys/server.crt
key_file = /keys/server.key
$common
[pipeline:main]
pipeline = catch_errors cache s3api tempauth slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_$(echo "$KEY" | tr : _) = $SECRET .admin
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:cache]
use = egg:swift#memcache
[filter:slo]
use = egg:swift#slo
CONF
memcached -u memcache -l 127.0.0.1 -d
swift-proxy-server proxy-server.conf &

python3 - <<'PYTHON'
import os, ssl, time, urllib.request as web
context = ssl._create_unverified_context()
def ask(url, method, headers):
    return web.urlopen(web.Request(url, method=method, headers=headers), context=context)
while True:
    try:
        who = {'X-Auth-User': os.environ['KEY'], 'X-Auth-Key': os.environ['SECRET']}
        told = ask('https://127.0.0.1/auth/v1.0', 'GET', who).headers
        ask(told['X-Storage-Url'] + '/' + os.environ['BUCKET'], 'PUT', {'X-Auth-Token': told['X-Auth-Token']})
        break
    except OSError:
        time.sleep(0.5)
print('ready', flush=True)
PYTHON
wait
