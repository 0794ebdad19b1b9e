import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { assertDone } from '../bench.js';
import { PGPROV } from '../contenders/pgprov.js';
import { timed } from '../lib/child.js';
import { medianSeconds, seriesOf, target } from '../lib/targets.js';
import { seconds } from '../report/numbers.js';
import type { Measure } from './measure.js';

/** Starts are short, so that many of them take no time and tell more. */
const RUNS_A_ROUND = 4;

export const start: Measure = {
  name: 'start',
  title: 'Start',
  work: `What pgprov takes before it connects to anybody: \`pgprov --help\`, and \`pgprov validate\` of an inventory of 100 hosts with all roles.`,
  contenders: ['pgprov'],
  async run(bench) {
    const file = join(await bench.directory('start'), 'inventory.yml');
    await writeFile(file, hundredHosts());
    const commands = [
      { point: 'pgprov --help', args: ['--help'] },
      { point: 'pgprov validate, 100 hosts', args: ['validate', file] },
      // Not pgprov's doing, but part of every start.
      { point: 'node, doing nothing', program: ['--eval', ''], args: [] },
    ].filter(() => bench.names.has('pgprov'));
    const taken = await bench.alternate(
      commands.map((command) => ({ ...command, name: command.point })),
      async ({ program = [PGPROV], args }) => assertDone(await timed([process.execPath, ...program, ...args])),
      { rounds: bench.rounds * RUNS_A_ROUND },
    );
    const series = taken.map(({ contender, runs }) => ({ contender: 'pgprov', point: contender, runs }));
    const of = (point: string): number | undefined => medianSeconds(seriesOf(series, 'pgprov', point));
    return {
      series,
      ratios: [],
      targets: [
        target('`pgprov --help`: 150 ms', of('pgprov --help'), (value) => value <= 0.15, seconds),
        target('`pgprov validate` of 100 hosts: 300 ms', of('pgprov validate, 100 hosts'), (value) => value <= 0.3, seconds),
      ],
      notes: [],
    };
  },
};

function hundredHosts(): string {
  const hosts = Array.from({ length: 100 }, (_, index) => [`pg${index + 1}`, `192.0.2.${index + 1}`]);
  return stringify({
    cluster: 'large',
    ssh: { user: 'admin', config: false },
    hosts: Object.fromEntries(hosts),
    postgresql: { version: 17, parameters: { shared_buffers: '1GB' }, hba: ['host app app 192.0.2.0/24 scram-sha-256'] },
  });
}
