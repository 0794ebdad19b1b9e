import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { Resource } from '../../src/resources/resource.js';
import { sh } from '../../src/shell/quote.js';
import { HOSTS, onThreeHosts, type Ran } from './three-hosts.js';

onThreeHosts(({ work, run, role, stage, text, make, has }) => {
  it.each(['plan', 'apply'] as const)('a %s refuses what a host will not accept, and changes nothing', async (mode) => {
    const obstacle = { what: 'the unit c is masked', advice: 'unmask it' };
    const masked = role('web', {
      stages: (context) => [
        stage('one', [text(context, 'a')]),
        stage('two', [
          { ...make(context, 'c'), ...(context.host.name === 'pg1' ? {} : { obstacle: () => obstacle }) },
          // Nothing is to be done to it, so nothing is in the way.
          { ...make(context, '.'), obstacle: () => obstacle },
        ]),
        stage('three', [
          {
            ...make(context, 'd'),
            ...(context.host.name === 'pg1'
              ? { obstacle: (_state, states) => (states.has('command:c') ? { what: 'd is gone', advice: 'bring it' } : undefined) }
              : {}),
          },
        ]),
      ],
    });
    const { exitCode, errors, steps, kinds } = await run([masked], { mode });
    expect([exitCode, steps, kinds]).toEqual([4, [], ['refused/obstacle', 'refused/obstacle']]);
    expect(errors.map(({ message, hint, host }) => [message, hint, host])).toEqual([
      ['pg2 and pg3: the unit c is masked', 'unmask it', undefined],
      ['pg1: d is gone', 'bring it', 'pg1'],
    ]);
    expect(HOSTS.some((host) => has(host, 'a'))).toBe(false);
  });

  describe('units of roles that a host no longer has', () => {
    const recorded = ['old', 'stopped', 'kept'];
    const before = sh`systemctl() { case "$1 $2" in 'is-enabled old'|'is-active kept') echo enabled ;; 'is-enabled kept') echo enabled ;; *) echo inactive; return 3 ;; esac; }`;
    const kept: Resource = {
      id: 'service:kept',
      probe: () => sh`:`,
      parse: () => '',
      diff: () => [],
      apply: () => sh`:`,
      digest: () => '',
    };
    const roles = [role('web', { stages: (context) => [stage('one', [text(context, 'a'), kept])] }), role('other', {})];
    const begin = (aim: { roles?: readonly string[] }, mode: 'survey' | 'apply' = 'apply'): Promise<Ran> => {
      for (const unit of recorded) {
        mkdirSync(work.at('pg3', 'var/lib/pgprov/applied'), { recursive: true });
        writeFileSync(work.at('pg3', 'var/lib/pgprov/applied', unit), '');
      }
      return run(roles, { mode, selection: aim, machines: Object.fromEntries(HOSTS.map((name) => [name, { before }])) });
    };

    it('are refused while they would start again', async () => {
      const { exitCode, errors, kinds } = await begin({});
      expect([exitCode, kinds, has('pg3', 'a')]).toEqual([4, ['refused/roles'], false]);
      expect(errors.map(({ message, hint }) => [message.replace(/, \/\S*\//u, ', '), hint])).toEqual([
        [
          'pg3: pgprov set up old there, which starts at the next boot, and none of the host’s roles (web, other, inventory.yml:2) has it any more',
          'give pg3 the role back; to take old off the host for good, stop it first: `systemctl disable --now old` there',
        ],
      ]);
    });

    it('are told to who only looks, with changes and without one', async () => {
      const told = expect.stringMatching(/^pg3: pgprov set up old there, which starts at the next boot/u) as string;
      expect((await begin({}, 'survey')).proposal).toMatchObject({ changes: { length: 3 }, refusal: told });
      for (const name of HOSTS) writeFileSync(work.at(name, 'a'), 'a');
      expect((await begin({}, 'survey')).proposal).toMatchObject({ changes: { length: 0 }, refusal: told });
    });

    it('are not searched for when the run leaves out roles that they may belong to', async () => {
      expect((await begin({ roles: ['web'] })).exitCode).toBe(0);
    });
  });
});
