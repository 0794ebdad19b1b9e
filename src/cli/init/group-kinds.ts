import { DEFAULT_DCS } from '../../model/index.js';

/** What the hosts of a group are for. */
export type GroupKind = 'postgresql' | 'store' | 'helper';

/** Words for a part of a cluster; beside another word, as in `redis_master`, they say nothing. */
const FIRST = /^(?:masters?|primary|primaries|leaders?)$/u;
const PART = new RegExp(`${FIRST.source}|^(?:replicas?|standbys?|standbies|secondary|secondaries|slaves?|offline|delayed|readonly)$`, 'u');

const POSTGRESQL =
  /^(?:postgres\w*|pg|pgsql|pg(?:cluster|nodes?|servers?|hosts?|data)|patroni|db|dbs|db(?:nodes?|servers?|hosts?)|databases?)$/u;

const STORE = new RegExp(`^(?:${DEFAULT_DCS}\\w*|dcs)$`, 'u');

/** What stands beside PostgreSQL and is none: other stores, proxies, poolers, backups, monitoring, applications, ways in. */
const HELPER = new RegExp(
  `^(?:${[
    'consul\\w*|zookeeper|zk|vault|nomad',
    'haproxy|proxy|proxies|proxysql|balancers?|loadbalancers?|lbs?|keepalived|vips?|nginx|traefik|pgbouncers?|poolers?|pgpool\\w*|pgcat|odyssey',
    'pgbackrest|backrest|barman|backups?|walg|minio|nfs|storage|repos?|repository|registry|mirrors?',
    'monitor|monitors|monitoring|prometheus|grafana|zabbix|exporters?|metrics|logs?|logging|loki|infra|pem|pgadmin|pgwatch\\w*',
    'webs?|webservers?|apps?|application|applications|appservers?|api|frontends?|backends?|clients?|workers?|docker|kube\\w*|k8s|jenkins|ci|runners?',
    'bastions?|jump|jumphosts?|gateways?|witness|witnesses|arbiters?|ansible|control|controllers?|admins?|mgmt|management|dns|ntp|mail|smtp',
    'redis|kafka|rabbitmq|mysql|mariadb|mongo|mongodb|oracle|mssql|clickhouse|elasticsearch|elastic|opensearch',
  ].join('|')})$`,
  'u',
);

const KINDS: readonly (readonly [RegExp, GroupKind])[] = [
  [STORE, 'store'],
  [HELPER, 'helper'],
  [POSTGRESQL, 'postgresql'],
];

/**
 * What a group's name says its hosts are for: the last word counts, so that `app_db` are databases and `db_backup` are none. Undefined when it
 * says nothing.
 */
export function groupKind(name: string): GroupKind | undefined {
  const words = wordsOf(name);
  const kinds = words.flatMap((word) => KINDS.find(([pattern]) => pattern.test(word))?.[1] ?? []);
  return kinds.at(-1) ?? (words.some((word) => PART.test(word)) ? 'postgresql' : undefined);
}

/** Whether a group is only a part of a cluster: its first leader, or its replicas. */
export function isPart(name: string): boolean {
  return wordsOf(name).some((word) => PART.test(word));
}

/** Whether a group of PostgreSQL has who leads first. */
export function isFirst(name: string): boolean {
  return groupKind(name) === 'postgresql' && wordsOf(name).some((word) => FIRST.test(word));
}

/** `pg-nodes1` has the words `pg` and `nodes`. */
function wordsOf(name: string): string[] {
  return name
    .replace(/([a-z])([A-Z])/gu, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/u)
    .map((word) => word.replace(/[0-9]+$/u, ''))
    .filter((word) => word !== '');
}
