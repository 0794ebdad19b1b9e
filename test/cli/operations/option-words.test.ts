import { execFileSync } from 'node:child_process';
import { parse } from 'yaml';
import { describe, expect, it } from 'vitest';
import { operationWords } from '../../../src/cli/operations/option-words.js';
import { OPERATIONS } from '../../../src/operations/index.js';
import type { Operation } from '../../../src/plan/operation.js';

const named = (name: string): Operation => OPERATIONS.find((operation) => operation.name === name) as Operation;

describe('the words of an operation', () => {
  it.each<{ name: string; given: Record<string, unknown>; words: string }>([
    { name: 'switchover', given: {}, words: 'switchover' },
    { name: 'switchover', given: { to: 'pg2' }, words: 'switchover --to pg2' },
    { name: 'certs renew', given: { within: 30 }, words: 'certs renew' },
    { name: 'certs renew', given: { within: 90, ca: true }, words: 'certs renew --within 90 --ca' },
    { name: 'certs renew', given: { within: 30, ca: true, all: false }, words: 'certs renew --ca' },
    { name: 'secrets rotate', given: { name: 'replication' }, words: 'secrets rotate replication' },
    {
      name: 'config edit',
      given: { changes: '{"ttl":40,"check_timeline":null,"postgresql":{"parameters":{"work_mem":"7MB","log_line_prefix":"%m [%p] "}}}' },
      words: `config edit --put ttl=40 --remove check_timeline --put postgresql.parameters.work_mem=7MB --put 'postgresql.parameters.log_line_prefix="%m [%p] "'`,
    },
  ])('are $words', ({ name, given, words }) => {
    expect(operationWords(named(name), given)).toBe(words);
  });

  it('of a change of the configuration give its values again, whatever they are', () => {
    const values = [
      'on',
      'ON',
      'true',
      'null',
      '~',
      'no',
      '',
      '7',
      '1e5',
      '0x1F',
      '1_000',
      '.5',
      '- a',
      '{}',
      "it's",
      'a: b',
      '#x',
      'plain',
      '7MB',
      '/a/b',
    ];
    for (const value of [...values, 7, 1.5, true, false, {}, []]) {
      const [, , , word = ''] =
        /^(config) (edit) (--put) (.*)$/su
          .exec(operationWords(named('config edit'), { changes: JSON.stringify({ a: { 'b.c': value } }) }))
          ?.slice(1) ?? [];
      const read = execFileSync('sh', ['-c', `printf %s ${word}`], { encoding: 'utf8' });
      const [key, ...text] = read.split('=');
      expect([key, parse(text.join('='))]).toEqual(['a."b.c"', value]);
    }
  });
});
