import { type Bench, FIRST_WORK_MEM, assertDone } from '../bench.js';
import type { ClusterContender, Site } from '../contenders/contender.js';
import { contenderTitle } from '../contenders/names.js';
import { settingOf } from '../hosts/verify.js';
import { isSample, type Sample, type Series } from '../lib/sample.js';
import { median } from '../lib/statistics.js';
import { ratioOf, ratioTarget, seriesOf } from '../lib/targets.js';
import { seconds } from '../report/numbers.js';
import type { Measure } from './measure.js';

const OTHER_WORK_MEM = '12MB';

/** Patroni's members look at what was asked of them once in ten seconds at the latest. */
const PATIENCE = 30_000;

export const oneChange: Measure = {
  name: 'one-change',
  title: 'One change',
  work: `\`work_mem\` is changed on the three hosts of the same cluster, then nothing is, in turn; the two are compared for each contender. With
pgprov the parameter is part of Patroni's dynamic configuration, in the playbook of \`patroni.yml\` on each host, followed by a reload.
After every change all three servers are asked until they have it. The bare script cannot be run twice and takes no part.`,
  contenders: ['pgprov', 'ansible', 'mitogen'],
  async run(bench) {
    const repeatable = bench.clusterContenders.filter(({ unchanged }) => unchanged !== undefined);
    const before: Series[] = repeatable.map(({ name }) => ({ contender: name, point: 'nothing changed', runs: [] }));
    const series = await bench.alternate(
      repeatable,
      async (contender) => {
        const runs = (seriesOf(before, contender.name, 'nothing changed') as Series).runs;
        const site = await bench.standingSite(contender);
        const baseline = await contender.apply(site);
        runs.push(baseline.code === 0 ? assertDone(baseline) : { failed: `exit code ${baseline.code}` });
        return change(contender, site);
      },
      { point: 'one change' },
    );
    await takeBack(bench, repeatable);
    const ratio = ({ name }: ClusterContender): ReturnType<typeof ratioOf> =>
      ratioOf(
        `${contenderTitle(name)}: one change ÷ nothing changed`,
        seriesOf(series, name, 'one change'),
        seriesOf(before, name, 'nothing changed'),
      );
    const own = repeatable.find(({ name }) => name === 'pgprov');
    return {
      series: [...before, ...series],
      ratios: repeatable.map(ratio),
      targets: own === undefined ? [] : [ratioTarget('pgprov: at most twice its changeless apply', ratio(own), (value) => value <= 2)],
      notes: series.flatMap(inForce),
    };
  },
};

async function change(contender: ClusterContender, site: Site): Promise<Sample> {
  site.workMem = site.workMem === FIRST_WORK_MEM ? OTHER_WORK_MEM : FIRST_WORK_MEM;
  const run = await contender.apply(site);
  const ended = Date.now();
  const sample = assertDone(run);
  for (;;) {
    const values = await settingOf(site.hosts, 'work_mem');
    if (values.every((value) => value === site.workMem))
      return { ...sample, more: { inForce: sample.seconds + (Date.now() - ended) / 1000 } };
    if (Date.now() - ended > PATIENCE) throw new Error(`work_mem is ${values.join(', ')} on the hosts, not ${site.workMem}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** The clusters are measured on as they were made. */
async function takeBack(bench: Bench, contenders: readonly ClusterContender[]): Promise<void> {
  for (const contender of contenders) {
    const site = await bench.standingSite(contender).catch(() => undefined);
    if (site === undefined || site.workMem === FIRST_WORK_MEM) continue;
    site.workMem = FIRST_WORK_MEM;
    await contender.apply(site);
  }
}

function inForce({ contender, runs }: Series): string[] {
  const middle = median(runs.filter(isSample).flatMap(({ more }) => more?.['inForce'] ?? []));
  return middle === undefined
    ? []
    : [
        `${contenderTitle(contender)}: in force on all three servers ${seconds(middle)} after its start (median; looked at every tenth of a second at the most)`,
      ];
}
