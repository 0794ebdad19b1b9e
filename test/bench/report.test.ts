import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Sample } from './lib/sample.js';
import { ratioOf, ratioTarget, target } from './lib/targets.js';
import { renderMarkdown } from './report/markdown.js';
import { seconds, times } from './report/numbers.js';
import { merge, readResults, writeWhole, type MeasureResult, type Results } from './report/results.js';
import { renderSvg } from './report/svg.js';

const MACHINE = { cores: 2, cpu: 'A <CPU>', memory: 16, kernel: '6.1', os: 'Debian', node: 'v20.0.0', docker: '20', commit: 'abc' };

function sample(seconds: number): Sample {
  return { seconds, cpu: seconds / 2, peak: 80 };
}

function result(name: string, changes: Partial<MeasureResult> = {}): MeasureResult {
  return {
    name,
    title: `The ${name}`,
    work: 'Something is done.',
    takenAt: '2026-01-02T03:04:05.000Z',
    rounds: 3,
    machine: MACHINE,
    versions: { pgprov: '0.1.0' },
    missing: {},
    series: [
      { contender: 'pgprov', runs: [sample(1), sample(2), sample(3)] },
      { contender: 'ansible', runs: [sample(20), { failed: 'exit code 2:\nno | way' }, sample(30)] },
    ],
    ratios: [{ title: 'Ansible ÷ pgprov', values: [20, 10] }],
    targets: [{ wanted: '25 times', measured: '15.0 times', reached: false }],
    notes: [],
    ...changes,
  };
}

function results(...all: MeasureResult[]): Results {
  return merge({ format: 1, measures: {} }, all);
}

describe('targets', () => {
  const [own, other] = [
    { contender: 'pgprov', runs: [sample(1), { failed: 'no' }, sample(2)] },
    { contender: 'ansible', runs: [sample(30), sample(1), sample(40)] },
  ];

  it('compare the medians of pairs of rounds', () => {
    const ratio = ratioOf('Ansible ÷ pgprov', other, own);
    expect(ratio.values).toEqual([30, 20]);
    expect(ratioTarget('25 times', ratio, (value) => value >= 25)).toEqual({ wanted: '25 times', measured: '25.0 times', reached: true });
    expect(ratioTarget('26 times', ratio, (value) => value >= 26)).toMatchObject({ reached: false });
  });

  it('say nothing where nothing was measured', () => {
    expect(ratioTarget('25 times', ratioOf('', undefined, own), () => true)).toEqual({ wanted: '25 times', measured: '' });
    expect(target('1 s', undefined, () => true, String)).toEqual({ wanted: '1 s', measured: '' });
  });
});

describe('numbers', () => {
  it.each([
    [0.00123, '1.2 ms'],
    [0.0512, '51.2 ms'],
    [0.5, '0.500 s'],
    [12.345, '12.3 s'],
    [123.4, '123 s'],
  ])('%d seconds are %s', (value, text) => {
    expect(seconds(value)).toBe(text);
  });

  it.each([
    [1.0999, '1.10 times'],
    [25.31, '25.3 times'],
    [240.6, '241 times'],
  ])('%d is %s', (value, text) => {
    expect(times(value)).toBe(text);
  });
});

describe('the results file', () => {
  it('keeps measures that a run leaves out', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'pgprov-results-'));
    const file = join(directory, 'results.json');
    try {
      expect(await readResults(file)).toEqual({ format: 1, measures: {} });
      await writeWhole(file, JSON.stringify(results(result('a'), result('b'))));
      const merged = merge(await readResults(file), [result('b', { rounds: 7 })]);
      expect(Object.values(merged.measures).map(({ name, rounds }) => [name, rounds])).toEqual([
        ['a', 3],
        ['b', 7],
      ]);
      await writeWhole(file, '{"format": 2}');
      await expect(readResults(file)).rejects.toThrow('another version');
      expect(await readFile(file, 'utf8')).toBe('{"format": 2}');
    } finally {
      await rm(directory, { recursive: true });
    }
  });
});

describe('the results page', () => {
  const page = renderMarkdown(results(result('b'), result('a', { missing: { mitogen: 'it is not installed' } })), ['a', 'b']);

  it('has the measures in order, the targets first', () => {
    expect([...page.matchAll(/^## (.*)$/gmu)].map(([, title]) => title)).toEqual(['Targets', 'The a', 'The b', 'Machine', 'Repeat it']);
    expect(page).toContain('| The a | 25 times | 15.0 times | **not reached** |');
  });

  it('shows the minimum, median and maximum of the runs that did not fail', () => {
    expect(page).toContain('| pgprov | 3 | 1.00 s | 2.00 s | 3.00 s | 1.00 s | 80 MB |');
    expect(page).toContain('| Ansible | 2 of 3 | 20.0 s | 25.0 s | 30.0 s | 12.50 s | 80 MB |');
    expect(page).toContain('| Ansible ÷ pgprov | 10.0 times | 15.0 times | 20.0 times |');
  });

  it('says which contenders failed and which are missing', () => {
    expect(page).toContain('- Ansible, round 2 failed: exit code 2: no | way');
    expect(page).toContain('- Ansible with Mitogen did not take part: it is not installed');
  });

  it('names each machine once', () => {
    expect(page.match(/2 cores/gu)).toHaveLength(1);
    expect(page).toContain('The a 2026-01-02 03:04 UTC (3 rounds); The b');
  });
});

describe('the chart', () => {
  const svg = renderSvg(results(result('a', { title: 'A < B & C' })), ['a', 'none']);

  it('has a bar for each median, the longest for the slowest', () => {
    const widths = [...svg.matchAll(/<rect [^>]*width="([\d.]+)"/gu)].map(([, width]) => Number(width));
    expect(widths).toHaveLength(2);
    expect(widths[0]).toBeCloseTo((widths[1] ?? 0) * (2 / 25), 0);
  });

  it('is well-formed and adapts to light and dark mode', () => {
    expect(svg).toContain('A &lt; B &amp; C');
    expect(svg).toContain('prefers-color-scheme:dark');
    expect(svg.match(/<text/gu)?.length).toBe(svg.match(/<\/text>/gu)?.length);
  });

  it('leaves out contenders without a valid run', () => {
    expect(renderSvg(results(result('a', { series: [{ contender: 'pgprov', runs: [{ failed: 'x' }] }] })), ['a'])).not.toContain('<rect');
  });
});
