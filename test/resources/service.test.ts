import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { file } from '../../src/resources/files/file.js';
import { digestOf, type Action, type Observation, type Obstacle, type Resource } from '../../src/resources/resource.js';
import type { UnitInForce } from '../../src/resources/unit-in-force.js';
import { seconds } from '../../src/shell/patience.js';
import { sh, type Script } from '../../src/shell/quote.js';
import { enabledUnit, noteReloadDue, service, type ServiceState } from '../../src/resources/service.js';
import { freshDirectory } from '../support/directory.js';
import { MadeUpHost } from '../support/made-up-host.js';
import { runSections } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

const answer = (text: string, status = 0): { status: number; out: Buffer } => ({ status, out: Buffer.from(text) });
const input = (digest: string): { digest(): string } => ({ digest: () => digest });
const unit = service({ unit: 'etcd', restartOn: [input('a')], reloadOn: [input('b')] });
const applied = { restart: digestOf('a'), reload: digestOf('b') };
const state = (rest: Partial<ServiceState> = {}): ServiceState => ({ loaded: true, enabled: true, active: 'active', applied, ...rest });

describe('service', () => {
  it.each<{ text: string; reads: ServiceState }>([
    {
      text: 'restart=x\nreload=y\n\nNames=etcd.service\nLoadState=loaded\nUnitFileState=enabled\nActiveState=active\n',
      reads: state({ applied: { restart: 'x', reload: 'y' } }),
    },
    {
      text: 'restart=x\nreload=y\ncluster=demo\n\nNames=etcd.service\nLoadState=loaded\nUnitFileState=enabled\nActiveState=active\n',
      reads: state({ applied: { restart: 'x', reload: 'y' } }),
    },
    {
      text: '\nNames=patroni.service\nActiveState=active\n\nActiveState=failed\nLoadState=loaded\nNames=etcd3.service etcd.service\nUnitFileState=enabled-runtime\n',
      reads: state({ active: 'failed', applied: undefined }),
    },
    {
      text: '\nNames=etcd.service\nLoadState=not-found\nUnitFileState=\nActiveState=inactive\n',
      reads: state({ loaded: false, enabled: false, active: 'inactive', applied: undefined }),
    },
    {
      text: '\nNames=etcd.service\nLoadState=masked\nUnitFileState=masked\nActiveState=inactive\n',
      reads: state({ masked: 'for good', loaded: false, enabled: false, active: 'inactive', applied: undefined }),
    },
  ])('reads $text', ({ text, reads }) => expect(unit.parse(answer(text))).toEqual(reads));

  it('is recorded with the cluster whose it is', () => {
    const own = service({ unit: 'etcd', cluster: 'demo' });
    expect(own.apply([{ action: 'start', summary: 'start etcd' }], state()).text).toContain('cluster=demo');
  });

  it('rejects unknown output', () =>
    expect(() => unit.parse(answer('\nNames=etcd.service\nActiveState=dreaming\n'))).toThrow(/service:etcd/u));

  // design.md: "an absent package or a stopped server is a state, never an error"; the survey asks before it knows that there is no
  // systemd.
  it('reads a host without systemd', () => expect(() => unit.parse(answer('', 127))).not.toThrow());

  it.each<{ title: string; state: ServiceState; changes: string[] }>([
    { title: 'as desired', state: state(), changes: [] },
    { title: 'reloading', state: state({ active: 'reloading' }), changes: [] },
    {
      title: 'not installed yet',
      state: state({ loaded: false, enabled: false, active: 'inactive', applied: undefined }),
      changes: ['enable: enable etcd', 'start: start etcd'],
    },
    { title: 'failed', state: state({ active: 'failed' }), changes: ['start: start etcd (it has failed)'] },
    { title: 'starting', state: state({ active: 'activating' }), changes: ['start: start etcd'] },
    { title: 'disabled', state: state({ enabled: false }), changes: ['enable: enable etcd'] },
    {
      title: 'started by another program',
      state: state({ applied: undefined }),
      changes: ['restart: restart etcd (not started by pgprov)'],
    },
    {
      title: 'running with an older configuration',
      state: state({ applied: { ...applied, restart: 'old' } }),
      changes: ['restart: restart etcd (its configuration changed)'],
    },
    {
      title: 'to be reloaded',
      state: state({ applied: { ...applied, reload: 'old' } }),
      changes: ['reload: reload etcd (its configuration changed)'],
    },
    {
      title: 'that may have read another file than is there now',
      state: state({ rewritten: true }),
      changes: ['reload: reload etcd (a file that it reads was written since it was read)'],
    },
    {
      title: 'to be reloaded and restarted',
      state: state({ applied: { restart: 'old', reload: 'old' } }),
      changes: ['restart: restart etcd (its configuration changed)'],
    },
  ])('compares a unit that is $title', ({ state: seen, changes }) => {
    expect(unit.diff(seen).map(({ action, summary }) => `${action}: ${summary}`)).toEqual(changes);
  });

  it('reloads on what the run is about to put back, also where the inventory is the same', () => {
    const reflected = file({ path: '/etc/x/x.conf', content: 'wanted' });
    const reflecting = service({ unit: 'etcd', reloadOn: [reflected] });
    const seen = state({ applied: { ...applied, restart: digestOf(), reload: digestOf(reflected.digest()) } });
    const found = (content: string): string[] => {
      const path = { type: 'file', owner: 'root', group: 'root', mode: '0644', content: Buffer.from(content) };
      return reflecting.diff(seen, new Map([[reflected.id, path]])).map(({ summary }) => summary);
    };
    expect(found('by hand')).toEqual(['reload etcd (its configuration changed)']);
    expect(found('wanted')).toEqual([]);
    expect(reflecting.diff(seen)).toEqual([]);
    expect(reflecting.diff({ ...seen, active: 'inactive' }, new Map([[reflected.id, { type: 'absent' }]]))).toEqual([
      expect.objectContaining({ summary: 'start etcd' }),
    ]);
  });

  describe('of which the process is observed', () => {
    const seen: UnitInForce = { dropIns: [], stale: false, running: [], next: [] };
    const other: UnitInForce = { ...seen, running: [{ name: 'A', wanted: '1', is: '2' }] };
    const told: Observation<UnitInForce> = {
      id: 'in-force:etcd',
      probe: () => sh`echo told`,
      parse: ({ out }) => (out.toString('utf8').includes('other') ? other : seen),
    };
    const looked = service({ unit: 'etcd', restartOn: [input('a')], reloadOn: [input('b')], inForce: told });

    it('reads the configuration that is in force', () => {
      expect(looked.probe().text).toMatch(/\necho @in-force\necho told$/u);
      const text = (words: string): string =>
        `\nNames=etcd.service\nLoadState=loaded\nUnitFileState=enabled\nActiveState=active\n@in-force\n${words}\n`;
      expect([looked.parse(answer(text('same'))).inForce, looked.parse(answer(text('other'))).inForce]).toEqual([seen, other]);
      expect(looked.parse(answer('')).inForce).toBeUndefined();
    });

    it.each([
      { title: 'is unchanged when it has the wanted configuration', inForce: seen, rest: {}, changes: [] },
      {
        title: 'is restarted when it has another configuration',
        inForce: other,
        rest: {},
        changes: ['restart etcd (it runs with other settings: A is 2, not 1)'],
      },
      {
        title: 'is restarted once when its files change too',
        inForce: other,
        rest: { applied: { ...applied, restart: 'old' } },
        changes: ['restart etcd (its configuration changed)'],
      },
      { title: 'is started when it is down', inForce: seen, rest: { active: 'inactive' as const }, changes: ['start etcd'] },
    ])('$title', ({ inForce, rest, changes }) =>
      expect(looked.diff(state({ inForce, ...rest })).map(({ summary }) => summary)).toEqual(changes),
    );
  });

  describe('with obstacles', () => {
    const brought = (manager: 'apt' | 'dnf', installedWith?: string): Resource<ServiceState> =>
      service({ unit: 'etcd', broughtBy: { name: 'etcd-server', manager, ...(installedWith === undefined ? {} : { installedWith }) } });
    const saying = (load: string, file: string): ServiceState =>
      unit.parse(answer(`\nNames=etcd.service\nLoadState=${load}\nUnitFileState=${file}\nActiveState=inactive\n`));
    const there = new Map<string, unknown>([
      ['file:/x', { type: 'absent' }],
      ['packages:postgresql', { 'etcd-server': '3.5', other: undefined }],
    ]);
    const unmask = 'the unit etcd is masked, so systemd does not start it';
    const gone = 'the package etcd-server is installed, but its unit etcd is not there';

    it.each<{
      title: string;
      resource: Resource<ServiceState>;
      seen: ServiceState;
      states: ReadonlyMap<string, unknown>;
      obstacle: Obstacle | undefined;
    }>([
      { title: 'nothing', resource: brought('apt'), seen: saying('loaded', 'disabled'), states: there, obstacle: undefined },
      {
        title: 'a mask',
        resource: service({ unit: 'etcd' }),
        seen: saying('masked', 'masked'),
        states: new Map(),
        obstacle: { what: unmask, advice: 'run `systemctl unmask etcd` there, then run again' },
      },
      {
        title: 'a mask that lasts until the next boot',
        resource: brought('apt'),
        seen: saying('masked', 'masked-runtime'),
        states: there,
        obstacle: { what: unmask, advice: 'run `systemctl unmask --runtime etcd` there, then run again' },
      },
      {
        title: 'no unit file yet',
        resource: brought('apt'),
        seen: saying('not-found', ''),
        states: new Map([['packages:x', { 'etcd-server': undefined }]]),
        obstacle: undefined,
      },
      {
        title: 'no unit file, while its package is about to be installed',
        resource: brought('apt'),
        seen: saying('not-found', ''),
        states: new Map([['packages:x', { 'etcd-server': { candidate: '3.5' } }]]),
        obstacle: undefined,
      },
      {
        title: 'no unit file and no package for it',
        resource: service({ unit: 'etcd' }),
        seen: saying('not-found', ''),
        states: there,
        obstacle: undefined,
      },
      {
        title: 'a lost unit file',
        resource: brought('apt'),
        seen: saying('not-found', ''),
        states: there,
        obstacle: { what: gone, advice: '`apt-get install --reinstall etcd-server` there brings it back; then run again' },
      },
      {
        title: 'a lost unit file on EL',
        resource: brought('dnf'),
        seen: saying('not-found', ''),
        states: there,
        obstacle: { what: gone, advice: '`dnf reinstall etcd-server` there brings it back; then run again' },
      },
      {
        title: 'a lost unit file that comes with another package',
        resource: brought('apt', 'other'),
        seen: saying('not-found', ''),
        states: there,
        obstacle: undefined,
      },
    ])('compares a unit with $title', ({ resource, seen, states, obstacle }) =>
      expect(resource.obstacle?.(seen, states)).toEqual(obstacle),
    );
  });

  it('is not restarted when it depends on nothing', () => {
    expect(service({ unit: 'x' }).diff(state({ applied: { restart: '', reload: digestOf() } }))).toEqual([]);
  });

  it('has a digest that follows its inputs', () => {
    expect(service({ unit: 'etcd', restartOn: [input('z')], reloadOn: [input('b')] }).digest()).not.toBe(unit.digest());
  });

  const work = freshDirectory();
  const APPLIED = '/var/lib/pgprov/applied';

  inEveryShell(HOST_SHELLS, (shell) => {
    /** Makes these changes on a host that has such a systemctl; a unit that never failed has nothing to reset. */
    async function changed(
      systemctl: string,
      ...actions: Action[]
    ): Promise<{ host: MadeUpHost; status: number | undefined; words: string }> {
      const programs = {
        systemctl: `${systemctl}\n[ "$1" != reset-failed ] || { echo 'not loaded' >&2; exit 1; }`,
        timeout: 'shift; exec "$@"',
        journalctl: "echo 'no space left'",
      };
      const host = new MadeUpHost({ root: work.path, programs, paths: [APPLIED.replace('/applied', '')] });
      const body = host.script(
        unit.apply(
          actions.map((action) => ({ action, summary: '' })),
          state(),
        ),
      );
      const done = (await runSections(shell, [{ id: 'do', mode: 'step', body }])).answers.get('do');
      return { host, status: done?.status, words: done?.out.toString() ?? '' };
    }

    it.each<{ actions: Action[]; verbs: string[] }>([
      { actions: ['enable', 'start'], verbs: ['-q enable', 'reset-failed', 'start'] },
      { actions: ['enable'], verbs: ['-q enable'] },
      { actions: ['restart'], verbs: ['reset-failed', 'restart'] },
      { actions: ['reload'], verbs: ['reload'] },
    ])('does $verbs for $actions, and records its inputs', async ({ actions, verbs }) => {
      const { host, ...done } = await changed(':', ...actions);
      expect(done).toEqual({ status: 0, words: '' });
      const made = host.calls('systemctl').filter((call) => !call.startsWith('systemctl show '));
      expect(made).toEqual(['systemctl daemon-reload', ...verbs.map((verb) => `systemctl ${verb} etcd`)]);
      expect(readdirSync(host.at(APPLIED))).toEqual(['etcd']);
      expect(readFileSync(host.at(`${APPLIED}/etcd`), 'utf8')).toBe(`restart=${applied.restart}\nreload=${applied.reload}\n`);
    });

    it('reloads next time where a run noted that, whatever it was reloaded with', async () => {
      const host = new MadeUpHost({ root: work.path, programs: {}, paths: ['/var/lib/pgprov'] });
      const run = (body: Script): Promise<unknown> => runSections(shell, [{ id: 'do', mode: 'step', body: host.script(body) }]);
      await run(noteReloadDue('etcd'));
      expect(existsSync(host.at(`${APPLIED}/etcd`))).toBe(false);
      mkdirSync(host.at(APPLIED), { recursive: true });
      writeFileSync(host.at(`${APPLIED}/etcd`), 'restart=x\nreload=y\ncluster=main\n');
      await run(noteReloadDue('etcd'));
      expect(readFileSync(host.at(`${APPLIED}/etcd`), 'utf8')).toBe('restart=x\nreload=due\ncluster=main\n');
    });

    it('knows whether a file was written since the unit read it, also where it has the same text again', async () => {
      const path = '/etc/x/x.conf';
      const host = new MadeUpHost({
        root: work.path,
        programs: { systemctl: ':', timeout: 'shift; exec "$@"' },
        paths: ['/var/lib/pgprov', '/etc/x'],
      });
      const reads = service({ unit: 'etcd', reads: [path] });
      const ask = async (body: Script): Promise<ServiceState> => {
        const done = (await runSections(shell, [{ id: 'do', mode: 'step', body: host.script(body) }])).answers.get('do');
        return reads.parse(done ?? answer(''));
      };
      const written = (at: number): void => {
        writeFileSync(host.at(path), 'text');
        utimesSync(host.at(path), at, at);
      };
      written(1000);
      expect((await ask(reads.probe())).rewritten).toBeUndefined();
      await ask(reads.apply([{ action: 'reload', summary: '' }], state()));
      expect((await ask(reads.probe())).rewritten).toBeUndefined();
      written(500);
      expect((await ask(reads.probe())).rewritten).toBe(true);
      await ask(reads.apply([{ action: 'reload', summary: '' }], state()));
      expect((await ask(reads.probe())).rewritten).toBeUndefined();
    });

    it('knows that a unit which was started since has read what was written, but for what was moved there later', async () => {
      const path = '/etc/x/x.conf';
      const see = async (started: string): Promise<true | undefined> => {
        const host = new MadeUpHost({
          root: work.path,
          programs: { systemctl: `echo '${started}'` },
          paths: ['/var/lib/pgprov', '/etc/x'],
        });
        writeFileSync(host.at(path), 'text');
        utimesSync(host.at(path), 1000, 1000);
        mkdirSync(host.at(APPLIED), { recursive: true });
        writeFileSync(host.at(`${APPLIED}/etcd`), 'restart=x\nreload=y\nloaded=500,\n');
        const reads = service({ unit: 'etcd', reads: [path] });
        const done = (await runSections(shell, [{ id: 'do', mode: 'probe', body: host.script(reads.probe()) }])).answers.get('do');
        return reads.parse({ status: 0, out: Buffer.from(`${done?.out.toString() ?? ''}`.replace(/^(?:Sun|Fri).*$/gmu, '')) }).rewritten;
      };
      expect(await see('Sun 2006-01-01 10:00:00 UTC')).toBe(true);
      expect(await see('Fri 2100-01-01 10:00:00 UTC')).toBeUndefined();
    });

    it.each(['start', 'restart', 'reload'] as const)('fails with the reason when it did not %s, and records nothing', async (verb) => {
      const { host, ...done } = await changed(`[ "$1" != ${verb} ] || exit 1`, verb);
      expect(done).toEqual({ status: 1, words: `etcd did not ${verb}; its last words:\nno space left\n` });
      expect(host.calls('timeout', 'journalctl')).toEqual([
        `timeout 90 systemctl ${verb} etcd`,
        'journalctl -u etcd -n 12 -o cat --no-pager',
      ]);
      expect(existsSync(host.at(APPLIED))).toBe(false);
    });
  });

  inEveryShell(HOST_SHELLS, (shell) => {
    it.each([
      { verb: 'enable', load: 'masked', words: 'the unit etcd is masked; systemctl unmask etcd unmasks it\n' },
      {
        verb: 'start',
        load: 'masked',
        words: 'the unit etcd is masked; systemctl unmask etcd unmasks it\netcd did not start; its last words:\n',
      },
      {
        verb: 'start',
        load: 'not-found',
        words: 'there is no unit etcd; reinstall the package that brings it\netcd did not start; its last words:\n',
      },
    ] as const)('says what to do when it could not $verb a unit that is $load by then', async ({ verb, load, words }) => {
      const programs = {
        systemctl: `case "$*" in show*) echo LoadState=${load} ;; *${verb}*) exit 1 ;; esac`,
        timeout: 'shift; exec "$@"',
        journalctl: ':',
      };
      const host = new MadeUpHost({ root: work.path, programs, paths: [APPLIED.replace('/applied', '')] });
      const { answers } = await runSections(shell, [
        { id: 'do', mode: 'step', body: host.script(unit.apply([{ action: verb, summary: '' }], state())) },
      ]);
      expect([answers.get('do')?.status, answers.get('do')?.out.toString()]).toEqual([1, words]);
    });
  });

  it('is not enabled when it must not be', () => {
    const disabled = service({ unit: 'patroni', enable: false });
    expect(disabled.diff(state({ enabled: false, applied: { restart: '', reload: digestOf() } }))).toEqual([]);
  });

  it('does not wait when it must not', () => {
    const script = service({ unit: 'etcd', noBlock: true, timeout: 5 }).apply([{ action: 'start', summary: '' }], state()).text;
    expect(script).toContain(`timeout ${seconds(5).text} systemctl --no-block start etcd`);
  });
});

describe('enabledUnit', () => {
  it.each([
    { text: 'Names=patroni.service\nUnitFileState=enabled\n', changes: [] },
    { text: 'Names=etcd.service\nUnitFileState=disabled\n\nNames=patroni.service\nUnitFileState=enabled-runtime\n', changes: [] },
    { text: 'Names=etcd.service\nUnitFileState=enabled\n\nNames=patroni.service\nUnitFileState=disabled\n', changes: ['enable patroni'] },
    { text: '', changes: ['enable patroni'] },
  ])('$text: $changes', ({ text, changes }) => {
    const resource = enabledUnit('patroni');
    expect(resource.diff(resource.parse(answer(text))).map(({ summary }) => summary)).toEqual(changes);
    expect(resource.apply([], { enabled: false }).text).toContain('systemctl -q enable patroni');
  });

  it('is masked', () => {
    const resource = enabledUnit('patroni');
    const seen = resource.parse(answer('Names=patroni.service\nLoadState=masked\nUnitFileState=masked\nActiveState=active\n'));
    expect([resource.diff(seen).map(({ summary }) => summary), resource.obstacle?.(seen, new Map())?.advice]).toEqual([
      ['enable patroni'],
      'run `systemctl unmask patroni` there, then run again',
    ]);
  });
});

describe('a unit that does not start at boot', () => {
  const danger = 'the unit etcd runs, and would not start after a reboot (it is not enabled)';
  const seen = (text: string): string[] => {
    const unit = enabledUnit('etcd');
    return unit.diff(unit.parse({ status: 0, out: Buffer.from(text) })).map((change) => change.danger ?? '');
  };

  it('is a danger when it runs, and not yet when it does not', () => {
    const properties = (active: string): string => `Names=etcd.service\nLoadState=loaded\nActiveState=${active}\nUnitFileState=disabled\n`;
    expect(seen(properties('active'))).toEqual([danger]);
    expect(seen(properties('inactive'))).toEqual(['']);
    const state = { loaded: true, enabled: false, active: 'active', applied: { restart: '', reload: '' } } as const;
    expect(service({ unit: 'etcd' }).diff(state)[0]?.danger).toBe(danger);
  });
});
