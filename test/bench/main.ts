import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { System } from '../lab/index.js';
import { withLock } from '../lab/lock.js';
import { CHECKOUT } from '../lab/paths.js';
import { Bench } from './bench.js';
import { type Roll, takeRoll } from './contenders/index.js';
import { CONTENDERS, type ContenderName, contenderTitle } from './contenders/names.js';
import { buildImage, removeImage } from './hosts/image.js';
import { removeBenchHosts } from './hosts/networks.js';
import { interrupt, isInterrupted } from './lib/interrupt.js';
import { describeMachine } from './lib/machine.js';
import { MEASURES } from './measures/index.js';
import type { Measure } from './measures/measure.js';
import { renderMarkdown } from './report/markdown.js';
import { type MeasureResult, merge, readResults, writeWhole } from './report/results.js';
import { renderSvg } from './report/svg.js';

interface Options {
  only: readonly string[];
  contenders: readonly ContenderName[];
  rounds: number;
  widths: readonly number[];
  os: System;
  out: string;
}

const NAMES = MEASURES.map(({ name }) => name);

const program = new Command('npm run bench --')
  .description(
    'Measures pgprov against Ansible, Ansible with Mitogen, a bare script, plain SSH connections and patronictl, all on the same work in the same run.',
  )
  .addOption(
    new Option('--only <measures>', `of ${NAMES.join(', ')}; those left out keep the results they have`)
      .argParser(listOf(NAMES))
      .default(NAMES, 'all'),
  )
  .addOption(
    new Option('--contenders <names>', `of ${Object.keys(CONTENDERS).join(', ')}`)
      .argParser(listOf(Object.keys(CONTENDERS)))
      .default(Object.keys(CONTENDERS), 'all'),
  )
  .addOption(new Option('--rounds <number>', 'how often each contender does each work').argParser(positive).default(5))
  .addOption(
    new Option('--widths <numbers>', 'of how many hosts the measure width is taken, 200 at most')
      .argParser(widths)
      .default([1, 10, 50, 100], '1,10,50,100'),
  )
  .addOption(
    new Option('--os <system>', 'what the hosts run; the Ansible of Debian 12 cannot manage Debian 13')
      .choices(['debian12', 'debian13'])
      .default('debian12'),
  )
  .addOption(new Option('--out <directory>', 'where the results are and go').default(join(CHECKOUT, 'docs', 'bench'), 'docs/bench'))
  .addHelpText('after', '\nWrites results.md, results.json and results.svg. Its hosts are removed at the end, also after Ctrl-C.')
  .action((options: Options) => withLock('bench', () => bench(options)));

function listOf(all: readonly string[]): (text: string) => string[] {
  return (text) => {
    const names = text.split(',').map((name) => name.trim());
    const unknown = names.find((name) => !all.includes(name));
    if (unknown !== undefined) throw new InvalidArgumentError(`"${unknown}" is none of ${all.join(', ')}.`);
    return names;
  };
}

function positive(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) throw new InvalidArgumentError('A number from 1 on is needed.');
  return number;
}

function widths(text: string): number[] {
  const numbers = text.split(',').map(positive);
  if (Math.max(...numbers) > 200) throw new InvalidArgumentError('200 hosts are the most.');
  return [...new Set(numbers)].sort((a, b) => a - b);
}

async function bench({ only, contenders, rounds, widths: counts, os, out }: Options): Promise<void> {
  const measures = MEASURES.filter(({ name }) => only.includes(name));
  const roll = await takeRoll(contenders);
  for (const [name, reason] of Object.entries(roll.missing))
    process.stderr.write(`bench: ${contenderTitle(name)} does not take part: ${reason}\n`);
  await removeBenchHosts();
  let shared: Bench | undefined;
  try {
    shared = new Bench({
      os,
      rounds,
      widths: counts,
      image: await buildImage(os),
      clusterContenders: roll.clusterContenders,
      names: new Set(roll.names),
    });
    for (const measure of measures) {
      const result = await take(measure, shared, roll);
      await write(resolve(out), result);
      for (const { wanted, measured, reached } of result.targets) {
        process.stdout.write(
          `${result.title}: ${wanted}: ${measured || 'not measured'}${reached === undefined ? '' : reached ? ' (reached)' : ' (not reached)'}\n`,
        );
      }
    }
  } finally {
    await removeBenchHosts();
    await removeImage(os);
    await shared?.removeDirectories();
  }
}

async function take(measure: Measure, shared: Bench, { versions, missing }: Roll): Promise<MeasureResult> {
  shared.say(`${measure.title}, ${shared.rounds} rounds`);
  const takenAt = new Date().toISOString();
  const findings = await measure.run(shared);
  const asked = (record: Record<string, string>): Record<string, string> =>
    Object.fromEntries(Object.entries(record).filter(([name]) => name === 'hosts' || measure.contenders.includes(name as ContenderName)));
  const { name, title, work } = measure;
  return {
    name,
    title,
    work,
    takenAt,
    rounds: shared.rounds,
    machine: await describeMachine(),
    versions: asked(versions),
    missing: asked(missing),
    ...findings,
  };
}

/** Puts the results of one measure in the place of its earlier ones; at once, so that they are kept whatever comes after. */
async function write(directory: string, result: MeasureResult): Promise<void> {
  await mkdir(directory, { recursive: true });
  const file = join(directory, 'results.json');
  const results = merge(await readResults(file), [result]);
  await writeWhole(file, `${JSON.stringify(results, null, 1)}\n`);
  await writeWhole(join(directory, 'results.md'), renderMarkdown(results, NAMES));
  await writeWhole(join(directory, 'results.svg'), renderSvg(results, NAMES));
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  // More than once, for a terminal and a parent process may both send it.
  process.on(signal, () => {
    if (isInterrupted()) return;
    process.stderr.write('\nbench: interrupted; removing its hosts\n');
    interrupt();
  });
}

try {
  await program.parseAsync();
} catch (error) {
  if (!isInterrupted()) process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = isInterrupted() ? 130 : 1;
}
