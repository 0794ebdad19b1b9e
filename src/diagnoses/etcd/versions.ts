import { defineDiagnosis, ETCD_DATABASE, enumerate } from '../../index.js';
import { comeWithSystems } from '../shared/with-systems.js';

/** Members of etcd are of different versions. */
export default defineDiagnosis({
  name: 'store-versions',
  looksAt: 'the versions of etcd',
  role: 'etcd',
  find: ({ view }) => {
    const members = view.hosts('etcd').flatMap(({ name }) => {
      const version = view.read(name, ETCD_DATABASE)?.version ?? '';
      return version === '' ? [] : [{ host: name, version }];
    });
    const versions = [...new Set(members.map(({ version }) => version))].sort();
    if (versions.length < 2) return [];
    const series = new Set(versions.map((version) => version.split('.').slice(0, 2).join('.')));
    const evidence = members.map(({ host, version }) => ({ host, source: 'etcd', line: version }));
    const oldest =
      'all of them do no more than the oldest can, and a member of the old version cannot take a snapshot of the new one once all others are new';
    if (comeWithSystems(view, members))
      return [
        {
          level: 'notice' as const,
          what: `the members of etcd are of different versions, as their systems are: ${enumerate(versions)}`,
          evidence,
          follows: series.size > 1 ? oldest : 'it works',
          mend: 'nothing needs to be done at once: have all members run one system, and with it one version, when you next replace a host',
        },
      ];
    return [
      {
        level: series.size > 1 ? ('danger' as const) : ('notice' as const),
        what: `the members of etcd are of different versions: ${enumerate(versions)}`,
        evidence,
        follows: series.size > 1 ? oldest : 'it works; an upgrade was begun and not ended',
        mend: 'end the upgrade, one member after the other: `apt-get install --only-upgrade etcd-server || dnf -y upgrade etcd`, as root on those with the older version, then `systemctl restart etcd`',
      },
    ];
  },
});
