import { assertDone } from '../bench.js';
import { medianSeconds, ratioOf, ratioTarget, seriesOf, target } from '../lib/targets.js';
import { seconds } from '../report/numbers.js';
import type { Measure } from './measure.js';

export const changeless: Measure = {
  name: 'changeless',
  title: 'Changeless apply',
  work: `The same once more, on a cluster that the contender made itself and that is as it should be. A run counts only if it says
that it changed nothing. Every run opens its connections anew. The bare script cannot be run twice and takes no part.`,
  contenders: ['pgprov', 'ansible', 'mitogen'],
  async run(bench) {
    const repeatable = bench.clusterContenders.filter(({ unchanged }) => unchanged !== undefined);
    const series = await bench.alternate(repeatable, async (contender) => {
      const run = await contender.apply(await bench.standingSite(contender));
      const sample = assertDone(run);
      if (contender.unchanged?.(run) !== true) throw new Error('it changed something');
      return sample;
    });
    const of = (name: string): ReturnType<typeof seriesOf> => seriesOf(series, name);
    const [ansible, mitogen] = [
      ratioOf('Ansible ÷ pgprov', of('ansible'), of('pgprov')),
      ratioOf('Mitogen ÷ pgprov', of('mitogen'), of('pgprov')),
    ];
    return {
      series,
      ratios: [ansible, mitogen],
      targets: [
        target('pgprov: at most 1.0 s', medianSeconds(of('pgprov')), (value) => value <= 1, seconds),
        ratioTarget('25 times faster than Ansible', ansible, (value) => value >= 25),
        ratioTarget('12 times faster than Mitogen', mitogen, (value) => value >= 12),
      ],
      notes: [],
    };
  },
};
