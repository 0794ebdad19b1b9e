/** Another value for a variable, and what it does to a cluster that runs. */
export interface Trial {
  /** Dotted, as in the inventory. */
  variable: string;
  /** For `--set`; a variable that no host of the lab can have otherwise has none. */
  value?: string;
  /** What the refusal says; without it the change is carried out. */
  refused?: RegExp;
  /** What a query of each server answers afterwards. */
  query?: { sql: string; answer: string };
  /** What a command on each host prints afterwards. */
  command?: { line: string; prints: RegExp };
  /** Why it is not tried here: which test does, or why nothing can be seen of it. */
  elsewhere?: string;
}

const SETTING = 'patronictl -c /etc/patroni/config.yml show-config';
const etcdRuns = (setting: string): string => `tr '\\0' '\\n' </proc/$(systemctl show -P MainPID etcd)/environ | grep ${setting}=`;
const fixed = (variable: string, value: string, found: RegExp): Trial => ({
  variable,
  value,
  refused: new RegExp(`pg1, pg2 and pg3: ${variable.replaceAll('.', '\\.')} is \\S+ \\(--set[^)]*\\), but ${found.source}`, 'u'),
});

const UPDATE = 'matrix/update.test.ts';
const MIRROR = 'the mirror tests, for it takes another repository';
const ROTATED = 'rotate.test.ts';
const BACKUPS = 'backup.test.ts';
const STREAMING = 'streaming.test.ts';
const TLS = 'matrix/tls.test.ts';
const GIVEN_TLS = 'matrix/given-tls.test.ts';
const CONSUL = 'matrix/consul.test.ts';
const HAPROXY = 'matrix/haproxy.test.ts';
const PGBOUNCER = 'matrix/pgbouncer.test.ts';
const VIP = 'matrix/vip.test.ts';

/** A trial for every variable of the roles that come with pgprov. */
export const TRIALS: readonly Trial[] = [
  { variable: 'base.manage_hosts_file', value: 'false' },
  { variable: 'base.prerequisites', value: '[curl]' },
  { variable: 'base.package_lock_timeout', value: '200' },
  { variable: 'base.hold_packages', value: 'true' },
  { variable: 'base.patience', value: '2' },
  { variable: 'base.max_clock_skew', value: '6' },
  { variable: 'base.min_free_space', value: '512' },
  { variable: 'base.min_memory', value: '256' },
  { variable: 'firewall.backend', value: 'none' },
  { variable: 'firewall.client_networks', value: '[10.99.0.0/24]' },
  { variable: 'firewall.member_networks', value: '[10.98.0.0/24]' },
  { variable: 'pgdg.base_url', elsewhere: MIRROR },
  { variable: 'pgdg.key_url', elsewhere: MIRROR },
  { variable: 'pgdg.key', elsewhere: MIRROR },
  { variable: 'pgdg.key_fingerprint', elsewhere: MIRROR },
  { variable: 'pgdg.crb', value: 'true' },
  { variable: 'pgdg.epel', value: 'true' },
  fixed('postgresql.version', '16', /the database in \/var\/lib\/postgresql\/17\/main, which runs, is of version 17/u),
  fixed('postgresql.port', '5433', /PostgreSQL listens on 5432/u),
  fixed('postgresql.name', 'other', /PostgreSQL runs in \/var\/lib\/postgresql\/17\/main/u),
  fixed('postgresql.data_dir', '/srv/pg', /PostgreSQL runs in \/var\/lib\/postgresql\/17\/main/u),
  { variable: 'postgresql.parameters', value: '{work_mem: 9MB}', query: { sql: 'SHOW work_mem', answer: '9MB' } },
  { variable: 'postgresql.tune', value: '{workload: mixed, memory: 2GB, cores: 2}', query: { sql: 'SHOW work_mem', answer: '5MB' } },
  ...['workload', 'memory', 'cores', 'storage'].map((part) => ({
    variable: `postgresql.tune.${part}`,
    elsewhere: 'postgresql.tune, whose parts are given together',
  })),
  {
    variable: 'postgresql.parameters.shared_preload_libraries',
    value: 'pg_stat_statements',
    query: { sql: "SELECT setting = '' AND pending_restart FROM pg_settings WHERE name = 'shared_preload_libraries'", answer: 't' },
  },
  {
    variable: 'postgresql.users',
    value: '{trial: {login: false}}',
    query: { sql: "SELECT rolcanlogin FROM pg_roles WHERE rolname = 'trial'", answer: 'f' },
  },
  {
    variable: 'postgresql.databases',
    value: '{trial: {connection_limit: 7}}',
    query: { sql: "SELECT datconnlimit FROM pg_database WHERE datname = 'trial'", answer: '7' },
  },
  {
    variable: 'postgresql.hba',
    value: '["host all all 10.97.0.0/24 scram-sha-256"]',
    query: { sql: "SELECT count(*) FROM pg_hba_file_rules WHERE address = '10.97.0.0' AND error IS NULL", answer: '1' },
  },
  {
    variable: 'postgresql.access',
    value: '[{users: [all], from: [10.96.0.0/24]}]',
    query: { sql: "SELECT count(*) FROM pg_hba_file_rules WHERE address = '10.96.0.0' AND error IS NULL", answer: '1' },
  },
  { variable: 'postgresql.minor', elsewhere: UPDATE },
  { variable: 'patroni.version', elsewhere: UPDATE },
  { variable: 'etcd.version', elsewhere: UPDATE },
  { variable: 'postgresql.tls', elsewhere: TLS },
  { variable: 'postgresql.tls_names', elsewhere: TLS },
  { variable: 'postgresql.tls_certificate', elsewhere: GIVEN_TLS },
  { variable: 'postgresql.tls_key', elsewhere: GIVEN_TLS },
  { variable: 'postgresql.tls_ca', elsewhere: GIVEN_TLS },
  fixed('postgresql.encoding', 'LATIN1', /the cluster was made with UTF8/u),
  fixed('postgresql.locale', 'C', /the cluster was made with C\.UTF-8/u),
  { variable: 'postgresql.generate_locale', value: 'false' },
  fixed('postgresql.superuser', 'admin', /Patroni works as postgres/u),
  { variable: 'postgresql.superuser_password', elsewhere: ROTATED },
  fixed('replication.username', 'other', /Patroni works as replicator/u),
  { variable: 'replication.password', elsewhere: ROTATED },
  { variable: 'replication.slots', elsewhere: STREAMING },
  { variable: 'replication.upstream', elsewhere: STREAMING },
  { variable: 'replication.synchronous', elsewhere: STREAMING },
  { variable: 'replication.synchronous_number', elsewhere: STREAMING },
  { variable: 'replication.synchronous_method', elsewhere: STREAMING },
  fixed('etcd.client_port', '2479', /etcd runs with 2379/u),
  fixed('etcd.peer_port', '2480', /etcd runs with 2380/u),
  fixed('etcd.data_dir', '/srv/etcd', /etcd runs in \/var\/lib\/etcd\/demo/u),
  { variable: 'etcd.heartbeat_interval', value: '150', command: { line: etcdRuns('ETCD_HEARTBEAT_INTERVAL'), prints: /=150$/mu } },
  { variable: 'etcd.election_timeout', value: '1500', command: { line: etcdRuns('ETCD_ELECTION_TIMEOUT'), prints: /=1500$/mu } },
  {
    variable: 'etcd.quota_backend_bytes',
    value: '4294967296',
    command: { line: etcdRuns('ETCD_QUOTA_BACKEND_BYTES'), prints: /=4294967296$/mu },
  },
  // Its REST API does not tell where the inventory has another port for that as well.
  fixed('patroni.scope', 'other', /(?:Patroni runs with the scope|\/etc\/patroni\/config\.yml says) demo/u),
  fixed('patroni.namespace', '/pg/', /\/etc\/patroni\/config\.yml says \/service\//u),
  { variable: 'patroni.ttl', value: '40', command: { line: SETTING, prints: /^ttl: 40$/mu } },
  { variable: 'patroni.loop_wait', value: '9', command: { line: SETTING, prints: /^loop_wait: 9$/mu } },
  { variable: 'patroni.start_timeout', value: '400' },
  { variable: 'patroni.retry_timeout', value: '9', command: { line: SETTING, prints: /^retry_timeout: 9$/mu } },
  {
    variable: 'patroni.maximum_lag_on_failover',
    value: '2097152',
    command: { line: SETTING, prints: /^maximum_lag_on_failover: 2097152$/mu },
  },
  { variable: 'patroni.synchronous_mode', value: 'true', command: { line: SETTING, prints: /^synchronous_mode: true$/mu } },
  { variable: 'patroni.synchronous_mode_strict', value: 'true', command: { line: SETTING, prints: /^synchronous_mode_strict: true$/mu } },
  { variable: 'patroni.watchdog', value: 'off', command: { line: 'cat /etc/patroni/config.yml', prints: /^ {2}mode: "off"$/mu } },
  {
    variable: 'patroni.watchdog_device',
    value: '/dev/watchdog9',
    command: { line: 'cat /etc/patroni/config.yml', prints: /^ {2}device: "\/dev\/watchdog9"$/mu },
  },
  {
    variable: 'patroni.tags',
    value: '{clonefrom: true}',
    command: { line: 'curl -s http://$(hostname -i):8008/patroni', prints: /"clonefrom": true/u },
  },
  fixed('patroni.restapi_port', '8010', /\/etc\/patroni\/config\.yml has Patroni listen on 8008/u),
  {
    variable: 'patroni.restapi_username',
    value: 'other',
    command: { line: "sed -n '/authentication/,/username/p' /etc/patroni/config.yml", prints: /username: "other"/u },
  },
  { variable: 'patroni.restapi_password', elsewhere: ROTATED },
  fixed('patroni.rewind_username', 'another', /Patroni works as rewind_user/u),
  { variable: 'patroni.rewind_password', elsewhere: ROTATED },
  ...[
    'stanza',
    'repositories',
    'passphrase',
    'port',
    'compression',
    'compression.type',
    'compression.level',
    'processes',
    'archive_async',
    'archive_timeout',
    'from_standby',
    'replicas_from_backup',
    'schedule',
    'schedule.full',
    'schedule.diff',
    'schedule.incr',
    'time_limit',
    'max_age',
    'max_archive_lag',
  ].map((name): Trial => ({ variable: `backup.${name}`, elsewhere: BACKUPS })),
  { variable: 'backup-repository.port', elsewhere: BACKUPS },
  { variable: 'patroni.dynamic', value: '{failsafe_mode: true}', command: { line: SETTING, prints: /^failsafe_mode: true$/mu } },
  { variable: 'consul.package', elsewhere: CONSUL },
  { variable: 'consul.raft_multiplier', elsewhere: CONSUL },
  { variable: 'consul.register_service', elsewhere: CONSUL },
  { variable: 'haproxy.check_interval', elsewhere: HAPROXY },
  { variable: 'haproxy.connect_timeout', elsewhere: HAPROXY },
  { variable: 'haproxy.idle_timeout', elsewhere: HAPROXY },
  { variable: 'haproxy.maxconn', elsewhere: HAPROXY },
  { variable: 'haproxy.maximum_lag', elsewhere: HAPROXY },
  { variable: 'haproxy.primary_port', elsewhere: HAPROXY },
  { variable: 'haproxy.replica_fallback', elsewhere: HAPROXY },
  { variable: 'haproxy.replica_port', elsewhere: HAPROXY },
  { variable: 'haproxy.server_maxconn', elsewhere: HAPROXY },
  { variable: 'haproxy.stats_networks', elsewhere: HAPROXY },
  { variable: 'haproxy.stats_password', elsewhere: HAPROXY },
  { variable: 'haproxy.stats_port', elsewhere: HAPROXY },
  { variable: 'haproxy.stats_username', elsewhere: HAPROXY },
  ...[
    'auth_password',
    'auth_username',
    'databases',
    'default_pool_size',
    'max_client_conn',
    'max_db_connections',
    'max_prepared_statements',
    'pool_mode',
    'port',
    'query_wait_timeout',
    'tls',
    'tls_names',
  ].map((name): Trial => ({ variable: `pgbouncer.${name}`, elsewhere: PGBOUNCER })),
  ...['tls_certificate', 'tls_key', 'tls_ca'].map((name): Trial => ({ variable: `pgbouncer.${name}`, elsewhere: GIVEN_TLS })),
  { variable: 'vip.address', elsewhere: VIP },
  { variable: 'vip.advert_interval', elsewhere: VIP },
  { variable: 'vip.check_interval', elsewhere: VIP },
  { variable: 'vip.interface', elsewhere: VIP },
  { variable: 'vip.router_id', elsewhere: VIP },
];
