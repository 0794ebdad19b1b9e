import { parse, parseDocument } from 'yaml';
import { describe, expect, it } from 'vitest';
import { yamlErrorWords } from '../../src/lib/yaml-words.js';

const wordsFor = (text: string): string[] => {
  const { errors, warnings } = parseDocument(text, { logLevel: 'silent' });
  return [...errors, ...warnings].map(yamlErrorWords);
};

describe('an error in YAML', () => {
  it.each([
    ['a: b: c', 'nested mappings are not allowed in compact mappings at line 1, column 4'],
    ['a: "b', 'missing closing "quote at line 1, column 6'],
    ['a: !S3cr3t b', 'unknown tag; a text that begins with ! must be in quotes at line 1, column 4'],
    ['a: "\\S3cr3t"', 'unknown escape sequence; between single quotes a \\ is just a \\ at line 1, column 5'],
  ])('of %s is told with its place', (text, words) => expect(wordsFor(text)).toContain(words));

  it('of an alias without an anchor does not name it', () => {
    let thrown: unknown;
    try {
      parse('a: *S3cr3t');
    } catch (error) {
      thrown = error;
    }
    expect(yamlErrorWords(thrown)).toMatch(/^there is no anchor of this name/u);
  });

  it.each([
    'a: |S3cr3t\n  b',
    'a: "b" S3cr3t',
    'a: @S3cr3t',
    '%S3cr3t\n---\na',
    'a: !<S3cr3t b',
    'a: !x!S3cr3t b',
    "a: 'b'S3cr3t'",
    '- a\nS3cr3t',
    'a: {b: c} S3cr3t',
  ])('quotes nothing of %s', (text) => {
    const words = wordsFor(text);
    expect(words.length).toBeGreaterThan(0);
    expect(words.join(' ')).not.toContain('3cr3t');
  });
});
