import { defineDiagnosis, enumerate, ETCD_DATABASE, groupBy, pgprov, STORE_WRITES, type View } from '../../index.js';
import { etcdDataDirectory } from '../../../roles/shared/etcd/data-directory.js';
import { etcdDcs } from '../../../roles/shared/etcd/dcs.js';
import { hostsWith } from '../../../roles/shared/layout.js';

/** etcd passes over writes whose number is not above that of its database, so who asks waits in vain. */
const IN_VAIN = /timed out|did not answer/iu;

/** etcd says that it is healthy, and takes no writes. */
export default defineDiagnosis({
  name: 'store-writes',
  looksAt: 'whether etcd takes writes',
  role: 'etcd',
  asks: (context) => [etcdDcs.writes(context)],
  find: ({ view }) => {
    const hosts = view.hosts('etcd').map(({ name }) => name);
    // With an alarm it is that one which keeps writes off.
    if (hosts.some((host) => (view.read(host, ETCD_DATABASE)?.alarms ?? []).length > 0)) return [];
    const asked = hosts.flatMap((host) => {
      const seen = view.read(host, STORE_WRITES);
      return seen?.asked === true ? [{ host, refused: seen.refused }] : [];
    });
    const refusals = asked.flatMap(({ host, refused }) => (refused === undefined ? [] : [{ host, refused }]));
    if (refusals.length === 0 || refusals.length < asked.length) return [];
    return [
      {
        level: 'broken',
        what: `etcd answers on ${enumerate(refusals.map(({ host }) => host))} and takes no writes`,
        evidence: refusals.map(({ host, refused }) => ({ host, source: 'a transaction that changes nothing', line: refused })),
        follows: 'Patroni cannot renew its lease: without failsafe mode the leader becomes a standby, and nobody can write',
        mend: refusals.every(({ refused }) => IN_VAIN.test(refused))
          ? beginningAnew(view)
          : `see why: ${pgprov`logs ${view.inventory} --unit etcd`}`,
        explains: ['no-leader', 'failsafe', 'store-slow'],
      },
    ];
  },
});

/** How a new etcd is made of the databases, where the WAL of the members was lost. */
function beginningAnew(view: View): string {
  const { inventory } = view;
  const places = hostsWith(inventory, 'etcd').flatMap((host) => {
    const platform = view.platform(host.name);
    return platform === undefined ? [] : [{ host: host.name, data: etcdDataDirectory({ host, platform, inventory }) }];
  });
  const stops = [...groupBy(places, ({ data }) => data)].map(
    ([data, there]) =>
      `\`systemctl stop etcd; mv ${data}/member/wal ${data}/member/wal.$(date +%s)\`, as root on ${enumerate(there.map(({ host }) => host))}`,
  );
  return `if its members lost their WAL, they pass over all writes until the new one is as long. Have a new etcd made of the databases: ${stops.join('; ')}; then ${pgprov`recover ${inventory}`}`;
}
