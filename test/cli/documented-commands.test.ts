import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../../src/lib/package-root.js';
import { complaintsAbout } from '../support/command-lines.js';

const PAGES = ['README.md', 'CONTRIBUTING.md', ...readdirSync(join(packageRoot(), 'docs')).map((name) => `docs/${name}`)]
  .filter((name) => name.endsWith('.md'))
  .map((name) => ({ name, text: readFileSync(join(packageRoot(), name), 'utf8') }));

/** Words behind `pgprov` that are no command line. */
const NAMED: readonly string[] = ['write probe', 'itself used '];

/** What stands for a value that not every word can be. */
const VALUES: Readonly<Record<string, string>> = { TIME: '+30m', MOMENT: '2026-11-28T12:00:00Z', DAYS: '30', COMMAND: 'status', N: '1' };

/** The commands on a page, as they are written: on lines of code, and between backticks. */
function writtenOn(text: string): string[] {
  const parts = text.split(/^ *```.*$/mu);
  const prose = parts.filter((_, index) => index % 2 === 0).join('\n');
  const code = parts.filter((_, index) => index % 2 === 1).join('\n');
  const lines = code.split('\n').flatMap((line) => /(?:^(?:\$ )?|[|(;] ?)pgprov (?<words>[a-z_].*)$/u.exec(line)?.groups?.['words'] ?? []);
  const inline = [...prose.matchAll(/`pgprov ([A-Za-z_-][^`]*)`/gu)].map(([, words = '']) => words);
  // What follows is a remark, or another program.
  return [...lines.map((line) => line.replace(/(?: {2,}| #).*$/u, '').replace(/\)"$/u, '')), ...inline].map((words) =>
    words.replace(/ (?:\| [a-z]|[>&]).*$/u, '').trim(),
  );
}

/** Every command line that is meant: with what stands in brackets and without, and with each of `a|b`. */
function variants(line: string): string[] {
  const bracket = /\[(?<inner>[^\][]*)\]/u.exec(line);
  if (bracket !== null) {
    const inner = (bracket.groups?.['inner'] ?? '').split(' | ');
    return ['', ...inner].flatMap((part) => variants(line.replace(bracket[0], () => part)));
  }
  const choice = /(?<=^| )[a-z]+(?:\|[a-z]+)+(?= |$)/u.exec(line)?.[0];
  return choice === undefined ? [line] : choice.split('|').flatMap((part) => variants(line.replace(choice, part)));
}

function wordsOf(line: string): string[] {
  return (line.match(/'[^']*'|"[^"]*"|\S+/gu) ?? []).map((word) => VALUES[word] ?? word.replace(/^(['"])(.*)\1$/su, '$2'));
}

const WRITTEN = PAGES.flatMap(({ name, text }) => writtenOn(text).map((line) => ({ name, line })));

describe('commands in the documentation', () => {
  it('are command lines of pgprov', () => {
    expect(WRITTEN.length).toBeGreaterThan(150);
    const wrong = WRITTEN.filter(({ line }) => !NAMED.some((words) => line.startsWith(words))).flatMap(({ name, line }) =>
      variants(line).flatMap((variant) =>
        complaintsAbout(wordsOf(variant))
          // A command is named there, without what it takes.
          .filter((complaint) => !/^no inventory$|missing required argument|\(outputHelp\)/u.test(complaint))
          .map((complaint) => `${name}: pgprov ${variant}: ${complaint}`),
      ),
    );
    expect([...new Set(wrong)]).toEqual([]);
  });

  it('give patronictl its file, and etcdctl its way in', () => {
    const bare = PAGES.flatMap(({ name, text }) =>
      [...text.matchAll(/`(?:patronictl (?!-c )|etcdctl )[a-z][^`\n]*/gu)].map(([words]) => `${name}: ${words}`),
    );
    expect(bare).toEqual([]);
  });
});
