import { defineDiagnosis, ETCD_DATABASE, enumerate } from '../../index.js';

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
    return [
      {
        level: series.size > 1 ? ('danger' as const) : ('notice' as const),
        what: `the members of etcd are of different versions: ${enumerate(versions)}`,
        evidence: members.map(({ host, version }) => ({ host, source: 'etcd', line: version })),
        follows:
          series.size > 1
            ? 'all of them do no more than the oldest can, and a member of the old version cannot take a snapshot of the new one once all others are new'
            : 'it works; an upgrade was begun and not ended',
        mend: 'end the upgrade, one member after the other: `apt-get install --only-upgrade etcd-server || dnf -y upgrade etcd`, as root on those with the older version, then `systemctl restart etcd`',
      },
    ];
  },
});
