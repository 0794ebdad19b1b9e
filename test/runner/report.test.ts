import { expect, test } from 'vitest';
import { closingLine, isSuccess, renderEnd, renderFailures, withTimesOf } from './report.js';

const FILES = Array.from({ length: 12 }, (_, index) => ({ name: `integration/f${index}`, ms: index * 10_000 }));

test('the summary names the ten slowest files, and divides the total time', () => {
  expect(renderEnd(FILES, { images: 60_000, packages: 120_000, waiting: 61_000 }, 95_000)).toEqual(
    [
      'The 10 slowest of 12 files:',
      '1 min 50 s  integration/f11',
      '1 min 40 s  integration/f10',
      '1 min 30 s  integration/f9',
      '1 min 20 s  integration/f8',
      '1 min 10 s  integration/f7',
      '1 min 00 s  integration/f6',
      '      50 s  integration/f5',
      '      40 s  integration/f4',
      '      30 s  integration/f3',
      '      20 s  integration/f2',
      'Where the time of all files went, summed over the workers:',
      '1 min 00 s  images: until the images of hosts and the package mirror were there',
      '2 min 00 s  packages: pgprov at packages and their repositories, on at least one host',
      '1 min 01 s  waiting: hosts booting, gates of pgprov, expect.poll',
      '6 min 59 s  tests: the rest',
      'Beside the tests, building images took 1 min 35 s.',
    ].map((line) => (/^ *\d/u.test(line) ? `  ${line}` : line)),
  );
});

test('the summary names what failed, with the beginning and the end of a long message, without colours', () => {
  const output = Array.from({ length: 300 }, (_, index) => `pg1  step ${index}`).join('\n');
  const failures = [
    { name: 'integration/a > a cluster > comes up', message: `${output}\n: expected 1 to be 0` },
    { name: 'integration/b', message: '\u001b[31mno network for b\u001b[39m\n\n' },
    { name: 'shell/c > quotes', message: 'x'.repeat(300) },
  ];
  expect(renderFailures(failures)).toEqual([
    'Failed:',
    '  integration/a > a cluster > comes up',
    '    pg1  step 0',
    '    pg1  step 1',
    '    pg1  step 2',
    '    pg1  step 3',
    '    … 293 lines …',
    '    pg1  step 297',
    '    pg1  step 298',
    '    pg1  step 299',
    '    : expected 1 to be 0',
    '  integration/b',
    '    no network for b',
    '  shell/c > quotes',
    `    ${'x'.repeat(200)}…`,
  ]);
  expect(renderFailures([])).toEqual([]);
});

test.each([
  { counts: { passed: 3, failed: 0, skipped: 1 }, line: '3 passed, 0 failed, 1 skipped', success: true },
  { counts: { passed: 3, failed: 1, skipped: 0 }, line: '3 passed, 1 failed, 0 skipped', success: false },
  { counts: { passed: 0, failed: 0, skipped: 4 }, line: '0 passed, 0 failed, 4 skipped', success: false },
])('$line is a success: $success', ({ counts, line, success }) => {
  expect(closingLine(counts)).toBe(line);
  expect(isSuccess(counts)).toBe(success);
});

test('times of a run replace the stored ones of its files; of files without hosts only the long ones are stored', () => {
  const last = [
    { name: 'matrix/b', ms: 61_400 },
    { name: 'integration/a', ms: 9_500 },
    { name: 'shell/lock', ms: 5_000 },
    { name: 'shell/quote', ms: 1_400 },
    { name: 'shell/now-short', ms: 1_400 },
  ];
  expect(Object.entries(withTimesOf({ 'integration/z': 7, 'shell/now-short': 9, 'shell/as-long': 9, 'integration/a': 300 }, last))).toEqual(
    [
      ['integration/a', 10],
      ['integration/z', 7],
      ['matrix/b', 61],
      ['shell/as-long', 9],
      ['shell/lock', 5],
    ],
  );
});
