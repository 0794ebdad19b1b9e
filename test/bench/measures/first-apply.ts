import { assertDone } from '../bench.js';
import { removeLab } from '../../lab/index.js';
import { networkName } from '../hosts/networks.js';
import { verifyCluster } from '../hosts/verify.js';
import { ratioOf, ratioTarget, seriesOf } from '../lib/targets.js';
import type { Measure } from './measure.js';

export const firstApply: Measure = {
  name: 'first-apply',
  title: 'First apply',
  work: `Three fresh Debian hosts become a Patroni cluster of three: PGDG's repository, packages, etcd with TLS, certificates, accounts,
data checksums, configuration, the leader first, then the replicas until both stream. The clock runs from the start of the
contender's process to its end. Every run gets hosts of its own, and every cluster is checked afterwards with psql, patronictl and etcdctl.`,
  contenders: ['pgprov', 'ansible', 'mitogen', 'script'],
  async run(bench) {
    const series = await bench.alternate(bench.clusterContenders, async (contender) => {
      const site = await bench.freshSite('first');
      try {
        const sample = assertDone(await contender.apply(site));
        await verifyCluster(site.hosts);
        return sample;
      } finally {
        await removeLab(networkName('first'));
      }
    });
    const of = (name: string): ReturnType<typeof seriesOf> => seriesOf(series, name);
    const floor = ratioOf('pgprov ÷ bare script', of('pgprov'), of('script'));
    const ansible = ratioOf('Ansible ÷ bare script', of('ansible'), of('script'));
    return {
      series,
      ratios: [
        floor,
        ansible,
        ratioOf('Mitogen ÷ bare script', of('mitogen'), of('script')),
        ratioOf('Ansible ÷ pgprov', of('ansible'), of('pgprov')),
        ratioOf('Mitogen ÷ pgprov', of('mitogen'), of('pgprov')),
      ],
      targets: [ratioTarget('pgprov: at most 1.10 times the bare script', floor, (value) => value <= 1.1)],
      notes: [],
    };
  },
};
