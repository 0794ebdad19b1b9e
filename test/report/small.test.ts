import { describe, expect, it } from 'vitest';
import { PgprovError } from '../../src/lib/errors.js';
import { formatBytes } from '../../src/lib/bytes.js';
import { formatDuration, formatElapsed } from '../../src/report/duration.js';
import { renderError } from '../../src/report/error-text.js';
import { printable } from '../../src/report/printable.js';
import { chooseOutput } from '../../src/report/reporter.js';
import { cutToWidth, displayWidth, padToWidth, wrapColumns, wrapWords } from '../../src/report/width.js';

describe('durations', () => {
  it.each([
    [0, '<0.1 s'],
    [49, '<0.1 s'],
    [50, '0.1 s'],
    [300, '0.3 s'],
    [2000, '2 s'],
    [9940, '9.9 s'],
    [9990, '10 s'],
    [21_400, '21 s'],
    [59_400, '59 s'],
    [59_600, '1 min'],
    [125_000, '2 min 5 s'],
    [3_599_900, '1 h'],
    [3_780_000, '1 h 3 min'],
  ])('%d ms is %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });

  it('advance in whole seconds', () => {
    expect([0, 999, 1000, 12_900].map(formatElapsed)).toEqual(['', '', '1 s', '12 s']);
  });
});

describe('sizes', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1536, '1.5 KiB'],
    [16_777_216, '16 MiB'],
    [1_073_741_823, '1 GiB'],
  ])('%d is %s', (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});

describe('widths', () => {
  it.each([
    ['pg1', 3],
    ['日本', 4],
    ['e\u0301', 1],
    ['✅', 2],
    ['✔ · —', 5],
    ['👩‍👩‍👧', 2],
    ['\u001b[31mred\u001b[39m', 3],
  ])('of %j are %d', (text, width) => {
    expect(displayWidth(text)).toBe(width);
  });

  it.each([
    ['short', 10, 'short'],
    ['pg1 · install PostgreSQL', 10, 'pg1 · ins…'],
    ['日本語のホスト', 6, '日本…'],
    ['\u001b[31mlong red text\u001b[39m', 6, '\u001b[31mlong…\u001b[39m'],
  ])('cut %j to %d', (text, width, cut) => {
    expect(cutToWidth(text, width)).toBe(cut);
  });

  it.each<[string, number, string[]]>([
    ['short', 10, ['short']],
    ['', 5, ['']],
    ['one two three four', 9, ['one two', 'three', 'four']],
    ['one two three four', Infinity, ['one two three four']],
    ['a word_that_is_wider than that', 8, ['a', 'word_that_is_wider', 'than', 'that']],
    ['日本 語の ホスト', 9, ['日本 語の', 'ホスト']],
    ['run `systemctl disable --now patroni`, there; then again', 20, ['run', '`systemctl disable --now patroni`,', 'there; then again']],
    ['set `a b`/`c d` or ` alone', 12, ['set', '`a b`/`c d`', 'or ` alone']],
  ])('wrap %j to %d', (text, width, lines) => expect(wrapWords(text, width)).toEqual(lines));

  it('are those of a terminal, and unlimited elsewhere', () => {
    expect([
      wrapColumns({ isTTY: true, columns: 72 }),
      wrapColumns({ isTTY: true, columns: 0 }),
      wrapColumns({ columns: 72 }),
      wrapColumns({}),
    ]).toEqual([72, 80, Infinity, Infinity]);
  });

  it('pad in columns', () => {
    expect([padToWidth('日', 4), padToWidth('7', 3, 'left')]).toEqual(['日  ', '  7']);
  });
});

describe('printable text', () => {
  it('keeps lines and no control codes', () => {
    expect(printable('a\tb\r\n\u001b[2Jc\u009b1m\u202ed\u0007')).toBe('a    b\ncd');
  });
});

describe('errors', () => {
  it('are shown in full, with what to do', () => {
    const error = new PgprovError({ kind: 'a/b', host: 'pg2', message: 'pg2: no\nfirst\n    deeper\n  last', hint: 'do this\nthen that' });
    expect(renderError(error, { color: false })).toBe('error: pg2: no\n  first\n    deeper\n  last\n  → do this\n    then that');
  });

  it('are wrapped on a terminal, except what a host said', () => {
    const error = new PgprovError({
      kind: 'a/b',
      message: 'a message that is longer\n  than that',
      hint: 'give it back; to take it off the host, stop it: `systemctl disable --now x` there\nsecond line',
    });
    expect(renderError(error, { color: false, columns: 24 })).toBe(
      [
        'error: a message that',
        '  is longer',
        '  than that',
        '  → give it back; to',
        '    take it off the',
        '    host, stop it:',
        '    `systemctl disable --now x`',
        '    there',
        '    second line',
      ].join('\n'),
    );
    expect(renderError(error, { color: false })).toContain('to take it off the host, stop it');
  });

  it('name their host', () => {
    expect(renderError(new PgprovError({ kind: 'a/b', host: 'pg2', message: 'no room' }), { color: false })).toBe('error: pg2: no room');
  });
});

describe('the output format', () => {
  const terminal = { isTTY: true };
  it.each([
    ['a terminal', undefined, terminal, {}, { kind: 'tree', color: true }],
    ['a pipe', undefined, {}, {}, { kind: 'plain', color: false }],
    ['auto', 'auto', terminal, {}, { kind: 'tree', color: true }],
    ['CI', undefined, terminal, { CI: 'true' }, { kind: 'plain', color: true }],
    ['CI=false', undefined, terminal, { CI: 'false' }, { kind: 'tree', color: true }],
    ['a dumb terminal', undefined, terminal, { TERM: 'dumb' }, { kind: 'plain', color: false }],
    ['NO_COLOR', undefined, terminal, { NO_COLOR: '1' }, { kind: 'tree', color: false }],
    ['NO_COLOR and FORCE_COLOR', undefined, terminal, { NO_COLOR: '1', FORCE_COLOR: '1' }, { kind: 'tree', color: false }],
    ['FORCE_COLOR', undefined, {}, { FORCE_COLOR: '1' }, { kind: 'plain', color: true }],
    ['FORCE_COLOR=0', undefined, terminal, { FORCE_COLOR: '0' }, { kind: 'tree', color: false }],
    ['json', 'json', terminal, { FORCE_COLOR: '1' }, { kind: 'json', color: false }],
    ['plain', 'plain', terminal, {}, { kind: 'plain', color: true }],
    ['a tree in CI', 'tree', terminal, { CI: '1' }, { kind: 'tree', color: true }],
    ['a tree into a pipe', 'tree', {}, {}, { kind: 'plain', color: false }],
  ] as const)('is chosen for %s', (_name, requested, stream, env, choice) => {
    expect(chooseOutput(requested, stream, env)).toEqual(choice);
  });
});
