import { isSample, known, secondsOf, type Sample, type Series } from '../lib/sample.js';
import { median, summarize } from '../lib/statistics.js';
import { contenderTitle } from '../contenders/names.js';
import { figures, seconds, times } from './numbers.js';
import type { MeasureResult, Ratio, Results, Target } from './results.js';

const VERDICT = new Map([
  [true, '**reached**'],
  [false, '**not reached**'],
  [undefined, 'not measured'],
]);

/** The results page. `order` names the measures as they are to stand; others follow. */
export function renderMarkdown({ measures }: Results, order: readonly string[]): string {
  const sorted = [...order.filter((name) => name in measures), ...Object.keys(measures).filter((name) => !order.includes(name))];
  const results = sorted.map((name) => measures[name] as MeasureResult);
  return `${[
    '# Results of the benchmark',
    'Written by `npm run bench`; do not edit. What is measured and how is said in [README.md](README.md); all numbers are in [results.json](results.json).',
    '![The medians as bars](results.svg)',
    '## Targets',
    table(
      ['measure', 'to reach', 'measured', ''],
      results.flatMap((result) => result.targets.map((target) => [result.title, ...targetCells(target)])),
    ),
    ...results.flatMap(section),
    '## Machine',
    ...machines(results),
    '## Repeat it',
    'On a Debian machine as root, with Node.js 20 or later and npm, from a clone of the repository:',
    '```sh\nnpm run bench\n```',
    'Everything else, the hosts included, it sets up by itself. `npm run bench -- --help` tells how to run a part.',
  ].join('\n\n')}\n`;
}

function targetCells({ wanted, measured, reached }: Target): string[] {
  return [wanted, measured, VERDICT.get(reached) as string];
}

function section(result: MeasureResult): string[] {
  const { title, work, series, ratios, notes, missing } = result;
  const points = series.some(({ point }) => point !== undefined);
  const head = ['contender', ...(points ? [''] : []), 'runs', 'min', 'median', 'max', 'CPU', 'peak memory'];
  return [
    `## ${title}`,
    work,
    table(
      head,
      series.map((one) => row(one, points)),
    ),
    ...(ratios.length > 0 ? [table(['ratio', 'min', 'median', 'max'], ratios.map(ratioCells))] : []),
    ...list([
      ...Object.entries(missing).map(([name, reason]) => `${contenderTitle(name)} did not take part: ${reason}`),
      ...series.flatMap(failures),
      ...notes,
    ]),
  ];
}

function row(series: Series, points: boolean): string[] {
  const samples = series.runs.filter(isSample);
  const wall = summarize(known(secondsOf(series)));
  const middle = (of: (sample: Sample) => number | undefined): number | undefined => median(known(samples.map(of)));
  return [
    contenderTitle(series.contender),
    ...(points ? [series.point ?? ''] : []),
    samples.length === series.runs.length ? String(samples.length) : `${samples.length} of ${series.runs.length}`,
    ...(wall === undefined ? ['failed', 'failed', 'failed'] : [wall.min, wall.median, wall.max].map(seconds)),
    optional(
      middle(({ cpu }) => cpu),
      (value) => `${value.toFixed(2)} s`,
    ),
    optional(
      middle(({ peak }) => peak),
      (value) => `${value.toFixed(0)} MB`,
    ),
  ];
}

function optional(value: number | undefined, format: (value: number) => string): string {
  return value === undefined ? '' : format(value);
}

function ratioCells({ title, values }: Ratio): string[] {
  const summary = summarize(values);
  return [title, ...(summary === undefined ? ['', 'not measured', ''] : [summary.min, summary.median, summary.max].map(times))];
}

function failures({ contender, point, runs }: Series): string[] {
  return runs.flatMap((run, round) =>
    isSample(run)
      ? []
      : [`${contenderTitle(contender)}${point === undefined ? '' : `, ${point}`}, round ${round + 1} failed: ${oneLine(run.failed)}`],
  );
}

/** Each machine once, with the measures that were taken on it. */
function machines(results: readonly MeasureResult[]): string[] {
  const groups = new Map<string, MeasureResult[]>();
  for (const result of results) {
    const key = JSON.stringify([result.machine, result.versions]);
    groups.set(key, [...(groups.get(key) ?? []), result]);
  }
  return [...groups.values()].map((group) => {
    const [{ machine, versions }] = group as [MeasureResult];
    const facts = [
      `taken: ${group.map(({ title, takenAt, rounds }) => `${title} ${takenAt.slice(0, 16).replace('T', ' ')} UTC (${rounds} ${rounds === 1 ? 'round' : 'rounds'})`).join('; ')}`,
      `${machine.cores} cores (${machine.cpu}), ${figures(machine.memory)} GiB of memory, which the hosts share`,
      `${machine.os}, Linux ${machine.kernel}, Docker ${machine.docker}, Node.js ${machine.node}; pgprov's commit ${machine.commit}`,
      ...Object.entries(versions).map(([name, version]) => `${contenderTitle(name)}: ${version}`),
    ];
    return list(facts).join('');
  });
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => oneLine(cell).replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), `|${head.map(() => '---|').join('')}`, ...rows.map(line)].join('\n');
}

function list(items: readonly string[]): string[] {
  return items.length === 0 ? [] : [items.map((item) => `- ${item}`).join('\n')];
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/gu, ' ').trim();
}
