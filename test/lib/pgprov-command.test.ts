import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { pgprov } from '../../src/lib/pgprov-command.js';

const wordsIn = (command: string): string[] =>
  execFileSync('sh', ['-c', `pgprov() { printf '%s\\n' "$@"; }; ${command.slice(1, -1)}`], { encoding: 'utf8' })
    .trimEnd()
    .split('\n');

it.each(['inventory.yml', '/srv/my clusters/it’s "$HOME".yml', "/srv/o'brien/`id`;.yml"])(
  'arrives in a shell with the inventory %s',
  (file) => {
    expect(wordsIn(pgprov`restart ${{ file }} --host ${'pg1,pg2'}`)).toEqual(['restart', file, '--host', 'pg1,pg2']);
  },
);

it('has an array as words, and nothing for an empty one', () => {
  expect(pgprov`certs renew ${'demo.yml'} ${['--within', '60']}`).toBe('`pgprov certs renew demo.yml --within 60`');
  expect(pgprov`certs renew ${'demo.yml'} ${[]}`).toBe('`pgprov certs renew demo.yml`');
});
