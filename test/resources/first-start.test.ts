import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { enabledAfterFirstStart, notesFirstStart, tellFirstStart, type FirstStart } from '../../src/resources/first-start.js';
import type { Change, Resource } from '../../src/resources/resource.js';
import type { ServiceState } from '../../src/resources/service.js';
import { sh, type Script } from '../../src/shell/quote.js';
import { freshDirectory } from '../support/directory.js';
import { moved, runSections } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell, type Shell } from '../support/shells.js';

const START: Change = { action: 'start', summary: 'start it' };
const STATE: ServiceState = { loaded: true, enabled: false, active: 'inactive', applied: undefined };

describe('the note of a first start', () => {
  const work = freshDirectory();
  const first = (): FirstStart => ({ scope: "it's", member: 'pg1', path: work.at('data') });
  const here = (script: Script): Script => moved(script, '/var/lib/pgprov', work.at('own'));
  const file = (): string => work.at('own', 'first-start');
  const noted = (): Resource<ServiceState> =>
    notesFirstStart(
      {
        id: 's',
        probe: () => sh`:`,
        parse: () => STATE,
        diff: () => [],
        digest: () => '',
        apply: () => sh`[ ! -e ${file()} ] || echo after the note; mkdir -p ${work.at('data')}; echo 17 >${work.at('data', 'PG_VERSION')}`,
      },
      first(),
    );
  const run = async (shell: Shell, body: Script): Promise<string> => {
    const { answers } = await runSections(shell, [{ id: 'do', mode: 'step', body: here(body) }]);
    return answers.get('do')?.out.toString() ?? '';
  };

  inEveryShell(HOST_SHELLS, (shell) => {
    it.each(['absent', 'empty'])(
      'is on disk before a start on a directory that is %s, and is removed when the unit is enabled',
      async (kind) => {
        if (kind === 'empty') mkdirSync(work.at('data'));
        expect(await run(shell, tellFirstStart(first()))).toBe('');
        expect(await run(shell, noted().apply([START], STATE))).toBe('after the note\n');
        expect(readFileSync(file(), 'utf8')).toMatch(
          /^scope=it's\nmember=pg1\ndata=\S+\ntime=\d{4}-\d\d-\d\dT\S+Z\nboot=[0-9a-f-]{36}\n$/u,
        );
        expect(await run(shell, tellFirstStart(first()))).toBe('noted\n');
        for (const other of [{ scope: 'x' }, { member: 'pg2' }, { path: '/else' }])
          expect(await run(shell, tellFirstStart({ ...first(), ...other }))).toBe('');
        // A start of what was begun before leaves the note as it is.
        const before = readFileSync(file(), 'utf8');
        await run(shell, noted().apply([START], STATE));
        expect(readFileSync(file(), 'utf8')).toBe(before);
        await run(shell, enabledAfterFirstStart('patroni').apply([{ action: 'update', summary: '' }], { enabled: true, noted: true }));
        expect(existsSync(file())).toBe(false);
      },
    );

    it('is not made when there is data, nor by a reload, nor for a member that had its data once', async () => {
      expect(noted().apply([START], { ...STATE, enabled: true }).text).not.toContain('first-start.new');
      await run(shell, noted().apply([{ action: 'reload', summary: '' }], STATE));
      expect(existsSync(file())).toBe(false);
      mkdirSync(work.at('data'), { recursive: true });
      writeFileSync(work.at('data', 'x'), '');
      await run(shell, noted().apply([START], STATE));
      expect(existsSync(file())).toBe(false);
    });
  });

  it.each([
    { state: { enabled: false, noted: false }, changes: ['enable patroni'] },
    { state: { enabled: false, noted: true }, changes: ['enable patroni'] },
    { state: { enabled: true, noted: true }, changes: ['record that the first start of patroni is over'] },
    { state: { enabled: true, noted: false }, changes: [] },
    { state: { enabled: false, noted: false, putOff: true as const }, changes: ['enable patroni'] },
    { state: { enabled: true, noted: false, putOff: true as const }, changes: ['record that patroni starts at boot again'] },
  ])('$state: $changes', ({ state, changes }) => {
    expect(
      enabledAfterFirstStart('patroni')
        .diff(state)
        .map(({ summary }) => summary),
    ).toEqual(changes);
  });

  it('ends what a stop has deferred', async () => {
    mkdirSync(work.at('own', 'stopped'), { recursive: true });
    writeFileSync(work.at('own', 'stopped', 'patroni'), '');
    const enabled = enabledAfterFirstStart('patroni');
    const seen = async (): Promise<boolean> => (await run(HOST_SHELLS[0] as Shell, enabled.probe())).includes('put-off');
    expect(await seen()).toBe(true);
    await run(HOST_SHELLS[0] as Shell, enabled.apply([{ action: 'update', summary: '' }], { enabled: true, noted: false, putOff: true }));
    expect(await seen()).toBe(false);
  });

  it('is seen next to the unit', () => {
    const parse = (text: string): unknown => enabledAfterFirstStart('patroni').parse({ status: 0, out: Buffer.from(text) });
    expect(parse('noted\nNames=patroni.service\nUnitFileState=enabled\n')).toEqual({ enabled: true, noted: true });
    expect(parse('Names=patroni.service\nUnitFileState=disabled\n')).toEqual({ enabled: false, noted: false });
  });
});
