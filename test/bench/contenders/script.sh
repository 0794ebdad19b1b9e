#!/bin/bash
# The floor of the benchmark: the job of `pgprov apply` written by hand for one purpose. Hosts side by side, one connection
# each, nothing asked that is known, nothing checked that need not be, and so nothing that could be run a second time.
#
#   script.sh HOSTS PGDG_KEY   HOSTS: lines "NAME ADDRESS"; PGDG_KEY: file with the repository's key
#   environment: SSH_KEY, SSH_KNOWN_HOSTS, SSH_USER, PG_VERSION, CODENAME, WORK_MEM
set -euo pipefail

pgdg_key=$(cat "$2")
declare -A address
names=()
while read -r name at; do names+=("$name") address[$name]=$at; done <"$1"
leader=${names[0]}
pki=$(mktemp -d)

ssh_options=(-i "$SSH_KEY" -o "UserKnownHostsFile=$SSH_KNOWN_HOSTS" -o GlobalKnownHostsFile=none -o StrictHostKeyChecking=yes -o BatchMode=yes
  -o LogLevel=ERROR -o ControlMaster=auto -o "ControlPath=$pki/%h" -o ControlPersist=60)
as_root() { ssh -F none "${ssh_options[@]}" "$SSH_USER@${address[$1]}" sudo -n sh -s; }
finish() {
  for name in "${names[@]}"; do ssh -F none -o "ControlPath=$pki/%h" -O exit "$SSH_USER@${address[$name]}" 2>/dev/null || :; done
  rm -rf "$pki"
}
trap finish EXIT

# Runs a function for each of the named hosts side by side; fails when one of them does.
each() {
  local work=$1 name job jobs=()
  shift
  for name in "$@"; do "$work" "$name" & jobs+=($!); done
  for job in "${jobs[@]}"; do wait "$job"; done
}

curve='-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes'
openssl req -x509 $curve -days 3650 -subj /CN=demo-ca -keyout "$pki/ca.key" -out "$pki/ca.crt" 2>/dev/null
certificate() {
  openssl req $curve -subj "/CN=$1" -keyout "$pki/$1.key" -out "$pki/$1.csr" 2>/dev/null
  openssl x509 -req -in "$pki/$1.csr" -CA "$pki/ca.crt" -CAkey "$pki/ca.key" -set_serial "0x$(openssl rand -hex 8)" -days 365 -out "$pki/$1.crt" -extfile <(
    echo "subjectAltName=DNS:$1,IP:${address[$1]},IP:127.0.0.1"
    echo extendedKeyUsage=serverAuth,clientAuth
  ) 2>/dev/null
}
each certificate "${names[@]}"

secret() { openssl rand -hex 16; }
superuser=$(secret) replicator=$(secret) rewind=$(secret) restapi=$(secret)
data=/var/lib/postgresql/$PG_VERSION/main
host_lines= pgpass= members= endpoints= hba=
for name in "${names[@]}"; do
  at=${address[$name]}
  host_lines+="$at $name"$'\n'
  pgpass+="$at:5432:replication:replicator:$replicator"$'\n'
  members+=${members:+,}$name=https://$at:2380
  endpoints+=${endpoints:+, }$at:2379
  hba+="
    - host replication replicator $at/32 scram-sha-256
    - host all rewind_user $at/32 scram-sha-256
    - host all postgres $at/32 scram-sha-256"
done

prepare() {
  local name=$1 at=${address[$1]}
  as_root "$name" <<END
set -e
export DEBIAN_FRONTEND=noninteractive
cat >>/etc/hosts <<'FILE'
$host_lines
FILE
mkdir -p /etc/apt/keyrings /etc/postgresql-common /etc/etcd/tls /etc/patroni/tls
cat >/etc/apt/keyrings/pgdg.asc <<'FILE'
$pgdg_key
FILE
cat >/etc/apt/sources.list.d/pgdg.sources <<'FILE'
Types: deb
URIs: https://apt.postgresql.org/pub/repos/apt
Suites: $CODENAME-pgdg
Components: main
Signed-By: /etc/apt/keyrings/pgdg.asc
FILE
printf '%s\n' 'create_main_cluster = false' "initdb_options = '--data-checksums --lc-messages=C'" >/etc/postgresql-common/createcluster.conf
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod 755 /usr/sbin/policy-rc.d
apt-get -qq update </dev/null
apt-get -qq -y -o Dpkg::Options::=--force-confold --no-install-recommends install ca-certificates curl postgresql-common \\
  postgresql-$PG_VERSION postgresql-client-$PG_VERSION etcd-server etcd-client patroni python3-psycopg2 python3-etcd </dev/null >/dev/null 2>&1
rm /usr/sbin/policy-rc.d
cat >/etc/etcd/tls/ca.crt <<'FILE'
$(<"$pki/ca.crt")
FILE
cat >/etc/etcd/tls/node.crt <<'FILE'
$(<"$pki/$name.crt")
FILE
(umask 077; cat >/etc/etcd/tls/node.key <<'FILE'
$(<"$pki/$name.key")
FILE
)
cp -p /etc/etcd/tls/* /etc/patroni/tls/
chown -R etcd:etcd /etc/etcd/tls
chown -R postgres:postgres /etc/patroni/tls
chmod 750 /etc/etcd/tls /etc/patroni/tls
install -d -o etcd -g etcd -m 700 /var/lib/etcd/demo
cat >/etc/default/etcd <<'FILE'
ETCD_NAME="$name"
ETCD_DATA_DIR="/var/lib/etcd/demo"
ETCD_LISTEN_CLIENT_URLS="https://$at:2379,https://127.0.0.1:2379"
ETCD_ADVERTISE_CLIENT_URLS="https://$at:2379"
ETCD_LISTEN_PEER_URLS="https://$at:2380"
ETCD_INITIAL_ADVERTISE_PEER_URLS="https://$at:2380"
ETCD_INITIAL_CLUSTER="$members"
ETCD_INITIAL_CLUSTER_STATE="new"
ETCD_INITIAL_CLUSTER_TOKEN="demo"
ETCD_CERT_FILE="/etc/etcd/tls/node.crt"
ETCD_KEY_FILE="/etc/etcd/tls/node.key"
ETCD_TRUSTED_CA_FILE="/etc/etcd/tls/ca.crt"
ETCD_CLIENT_CERT_AUTH="true"
ETCD_PEER_CERT_FILE="/etc/etcd/tls/node.crt"
ETCD_PEER_KEY_FILE="/etc/etcd/tls/node.key"
ETCD_PEER_TRUSTED_CA_FILE="/etc/etcd/tls/ca.crt"
ETCD_PEER_CLIENT_CERT_AUTH="true"
FILE
(umask 077; cat >/var/lib/postgresql/.pgpass <<'FILE'
$pgpass
FILE
)
chown postgres:postgres /var/lib/postgresql/.pgpass
install -d -o postgres -g postgres -m 700 $data
(umask 077; cat >/etc/patroni/config.yml <<'FILE'
scope: demo
namespace: /service/
name: $name
restapi:
  listen: 0.0.0.0:8008
  connect_address: $at:8008
  authentication: {username: patroni, password: $restapi}
etcd3:
  hosts: [$endpoints]
  protocol: https
  cacert: /etc/patroni/tls/ca.crt
  cert: /etc/patroni/tls/node.crt
  key: /etc/patroni/tls/node.key
bootstrap:
  dcs:
    ttl: 30
    loop_wait: 10
    retry_timeout: 10
    maximum_lag_on_failover: 1048576
    postgresql:
      use_pg_rewind: true
      use_slots: true
      parameters: {work_mem: $WORK_MEM}
  initdb: [{encoding: UTF8}, {locale: C.UTF-8}, {lc-messages: C}, data-checksums]
postgresql:
  listen: '*:5432'
  connect_address: $at:5432
  data_dir: $data
  bin_dir: /usr/lib/postgresql/$PG_VERSION/bin
  pgpass: /var/lib/postgresql/.pgpass_patroni
  use_unix_socket: true
  authentication:
    superuser: {username: postgres, password: $superuser}
    replication: {username: replicator, password: $replicator}
    rewind: {username: rewind_user, password: $rewind}
  parameters: {unix_socket_directories: /var/run/postgresql}
  pg_hba:
    - local all all peer
    - local replication replicator peer$hba
FILE
)
chown postgres:postgres /etc/patroni/config.yml
systemctl -q enable etcd
systemctl -q restart etcd
END
}

lead() {
  as_root "$1" <<END
systemctl -q start patroni
for i in \$(seq 1200); do
  [ "\$(curl -s -m 2 -o /dev/null -w '%{http_code}' http://127.0.0.1:8008/leader)" != 200 ] || break
  [ \$i != 1200 ] || exit 1
  sleep 0.05
done
systemctl -q enable patroni
END
}

follow() {
  as_root "$1" <<END
systemctl -q start patroni
for i in \$(seq 1200); do
  [ "\$(runuser -u postgres -- psql -XAtqc 'select status from pg_stat_wal_receiver' 2>/dev/null)" != streaming ] || break
  [ \$i != 1200 ] || exit 1
  sleep 0.05
done
systemctl -q enable patroni
END
}

each prepare "${names[@]}"
lead "$leader"
each follow "${names[@]:1}"
