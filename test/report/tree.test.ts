import { stripVTControlCharacters } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../src/events.js';
import { PgprovError } from '../../src/lib/errors.js';
import { createReporter } from '../../src/report/reporter.js';
import { displayWidth } from '../../src/report/width.js';
import { failingRun, fakeStream, stage } from './fixtures.js';

const SHOW_CURSOR = '\u001b[?25h';

interface Shown {
  raw: string;
  /** What stays on the screen: the last picture and what follows it. */
  last: string[];
}

interface Showing {
  columns?: number;
  color?: boolean;
  /** Milliseconds for which the tree is shown after the last event. */
  pause?: number;
  /** What is drawn before it is closed, however long a busy machine takes for it. */
  drawn?: RegExp;
}

async function tree(events: readonly RunEvent[], { columns = 80, pause = 0, drawn, color = false }: Showing = {}): Promise<Shown> {
  const out = fakeStream(columns);
  const reporter = await createReporter('tree', { out: out.stream, err: fakeStream().stream, color });
  for (const event of events) reporter.emit(event);
  if (pause > 0) await sleep(pause);
  if (drawn !== undefined) await expect.poll(() => stripVTControlCharacters(out.text())).toMatch(drawn);
  await reporter.close();
  await reporter.close();
  for (const event of events) reporter.emit(event);
  const raw = out.text();
  const erased = raw.lastIndexOf('\u001b[2K');
  return {
    raw,
    last: stripVTControlCharacters(erased < 0 ? raw : raw.slice(erased))
      .trimEnd()
      .split('\n'),
  };
}

/** Lines without how long things took, which is really measured and so longer on a machine that is busy. */
function withoutTimes(lines: readonly string[]): string[] {
  return lines.map((line) => line.replace(/ \([<\d].* s\)$/u, ''));
}

function upTo(type: RunEvent['type'], nth = 1): RunEvent[] {
  const events = failingRun();
  let seen = 0;
  return events.slice(0, events.findIndex((event) => event.type === type && ++seen === nth) + 1);
}

describe('the tree', () => {
  it('ends with every host in its titles, the errors whole, and the recap', async () => {
    const { last, raw } = await tree(failingRun(), { columns: 60, pause: 250 });
    expect(withoutTimes(last)).toEqual([
      '✔ Connect — ok: pg1, pg2, pg3',
      '✔ Survey — ok: pg1, pg2, pg3',
      '✔ prepare hosts — ok: pg1, pg2, pg3',
      '● install PostgreSQL 17 — 3 changes on 3 hosts',
      '  ● pg1 · install PostgreSQL 17 — 1 changed',
      '  ● pg2 · install PostgreSQL 17 — 1 changed',
      '  ● pg3 · install PostgreSQL 17 — 1 changed',
      '✖ start etcd — failed on pg2',
      '  ✔ pg1 · start etcd — ok',
      '  ✖ pg2 · start etcd — failed: etcd is not healthy',
      '  ✔ pg3 · start etcd — ok',
      '✔ start Patroni — ok: pg1, pg3; skipped: pg2 (an earlier',
      '  stage failed on it)',
      '',
      'error: pg2: etcd is not healthy',
      '  journal: tls: bad certificate',
      '    at peer 10.0.0.3',
      '  1 of 3 members answers',
      '  → fix the cause and run again',
      '',
      'pg1  ok=11  changed=1  failed=0  skipped=0',
      'pg2  ok=9   changed=1  failed=1  skipped=1',
      'pg3  ok=11  changed=1  failed=0  skipped=0',
      '',
      'Failed: pg2 (45 s). Made 3 changes on 3 hosts.',
    ]);
    expect(raw.startsWith('warning: two members cannot lose one\n')).toBe(true);
    expect(raw).toContain(SHOW_CURSOR);
  });

  it('shows what is running and what comes next', async () => {
    const { raw } = await tree(upTo('note', 3), { drawn: /waiting for peers \(1 s\)/u });
    const shown = stripVTControlCharacters(raw);
    expect(shown).toContain('❯ start etcd — 0 of 3 hosts done');
    expect(shown).toMatch(/pg2 · start etcd\n {4}› waiting until etcd has a quorum · etcd\[311\]: waiting for peers \(1 s\)/u);
    expect(shown).toContain('◌ next: start Patroni');
  });

  it('shows at once that it was told to end, what is being finished, and what else a person is warned of', async () => {
    const events: RunEvent[] = [
      ...upTo('step-start', 3),
      { type: 'step-start', host: 'pg1', stage: 'postgresql/packages', changes: 1 },
      { type: 'warning', host: 'pg3', text: 'its clock is 2 s late' },
      { type: 'interrupted', how: 'interrupted', underWay: [] },
    ];
    const { raw, last } = await tree(events, { drawn: /finishing what is under way[^]*pg1, pg3/u });
    const shown = stripVTControlCharacters(raw);
    expect(shown).toContain('◌ not started: start etcd, start Patroni');
    expect(shown).toMatch(
      /! warning: pg3: its clock is 2 s late\n◼ Interrupted — finishing what is under way; Ctrl-C again leaves it at once\n {2}◼ pg1, pg3 · install PostgreSQL 17/u,
    );
    // Below the last picture the warning is told whole, and once.
    expect(last.filter((line) => line.includes('its clock'))).toEqual(['warning: pg3: its clock is 2 s late']);
    expect(last.join('\n')).not.toContain('Interrupted —');
  });

  it('says at last what the hosts are still at where nobody waits for them', async () => {
    const underWay = [{ host: 'pg1', stage: 'postgresql/packages' }];
    const { last } = await tree([
      ...upTo('step-start', 3),
      { type: 'interrupted', how: 'interrupted', underWay },
      { type: 'left', underWay, again: 'pgprov apply i.yml --resume' },
    ]);
    expect(last.slice(-2)).toEqual([
      'Left at once: still at work: install PostgreSQL 17 on pg1;',
      '`pgprov apply i.yml --resume` waits for pg1 and continues.',
    ]);
  });

  it('leaves room for what a host says beside a long list of what is being done', async () => {
    const { raw } = await tree(
      [
        ...upTo('step-start', 1),
        {
          type: 'changing',
          host: 'pg1',
          stage: 'postgresql/packages',
          resource: 'packages:pg',
          summary: 'install etcd-server etcd-client postgresql-17 patroni',
        },
        { type: 'note', host: 'pg1', stage: 'postgresql/packages', text: 'downloading package 12 of 45, 16 of 52 MB' },
      ],
      { drawn: /16 of 52 MB/u },
    );
    expect(stripVTControlCharacters(raw)).toMatch(/› install etcd-server etcd.*… · downloading package 12 of 45, 16 of 52 MB$/mu);
  });

  it('shows what the run waits for by itself, above its stages', async () => {
    const waits: RunEvent[] = [
      ...upTo('surveyed', 3),
      { type: 'awaiting', text: 'PostgreSQL on pg1 starts' },
      { type: 'awaiting', text: 'Patroni elects a leader' },
    ];
    const { raw } = await tree(waits, { drawn: /elects a leader/u });
    expect(stripVTControlCharacters(raw)).toMatch(/Waiting for what may pass by itself: Patroni elects a leader/u);
    const { last } = await tree([...waits, { type: 'awaited', ms: 14_000 }]);
    expect(last).toContain('· Waited: Patroni elects a leader (14 s)');
  });

  it('marks what did not finish', async () => {
    const { last } = await tree(upTo('note', 3), { pause: 150 });
    expect(last.slice(-7)).toEqual([
      '◼ start etcd — did not finish',
      '  ◼ pg1 · start etcd — did not finish',
      '  ◼ pg2 · start etcd — did not finish',
      '  ◼ pg3 · start etcd — did not finish',
      '◌ not started: start Patroni',
      '',
      'Stopped before the end.',
    ]);
  });

  it('shows which host could not be reached', async () => {
    const { last } = await tree([
      ...upTo('connecting', 3),
      { type: 'connected', host: 'pg1', ms: 120 },
      { type: 'connected', host: 'pg3', ms: 120 },
      { type: 'failed', error: new PgprovError({ kind: 'ssh/refused', host: 'pg2', message: 'pg2: connection refused', exitCode: 3 }) },
    ]);
    expect(withoutTimes(last)).toContain('✖ Connect — failed on pg2');
    expect(withoutTimes(last)).toContain('  ✖ pg2 · Connect — failed: connection refused');
    expect(last).toContain('error: pg2: connection refused');
  });

  it('summarises many hosts in one line', async () => {
    const hosts = Array.from({ length: 200 }, (_, index) => `pg${index + 1}`);
    const { last } = await tree([
      { type: 'run-start', command: 'apply', cluster: 'demo', hosts, stages: [stage('etcd/start', hosts, 'start etcd')] },
      ...hosts.map((host): RunEvent => ({ type: 'connecting', host })),
      ...hosts.map((host): RunEvent => ({ type: 'connected', host, ms: 20 })),
      ...hosts.map(
        (host, index): RunEvent => ({
          type: 'step-end',
          host,
          stage: 'etcd/start',
          changes: 1,
          ms: 20,
          result: index < 6 ? 'failed' : 'changed',
        }),
      ),
    ]);
    const lines = withoutTimes(last);
    expect(lines).toContain('✔ Connect — ok: 200 hosts');
    const from = lines.indexOf('✖ start etcd — failed on pg1, pg2, pg3, pg4, pg5, pg6');
    expect(lines.slice(from + 1, from + 7)).toEqual([
      '  ✖ pg1 · start etcd — failed',
      '  ✖ pg2 · start etcd — failed',
      '  ✖ pg3 · start etcd — failed',
      '  ✖ pg4 · start etcd — failed',
      '  ✖ 2 failed too: pg5, pg6',
      '  ● 194 changed: pg7, pg8, pg9, pg10, pg11, pg12, pg13, pg14, pg15, pg16, pg17…',
    ]);
  });

  it('keeps lines within a narrow terminal, whatever they contain', async () => {
    const title = 'установить 日本語のデータベース with all that it needs';
    const { last } = await tree(
      [
        { type: 'run-start', command: 'apply', cluster: 'demo', hosts: ['pg1'], stages: [stage('a/b', ['pg1'], title)] },
        { type: 'connecting', host: 'pg1' },
        { type: 'step-start', host: 'pg1', stage: 'a/b', changes: 1 },
        { type: 'step-end', host: 'pg1', stage: 'a/b', changes: 1, ms: 5000, result: 'changed' },
      ],
      { columns: 30, color: true },
    );
    expect(last.slice(0, 6).every((line) => displayWidth(line) < 30)).toBe(true);
    const from = last.findIndex((line) => line.includes('установить'));
    expect(last.slice(from, from + 3)).toEqual(['● pg1 · установить', '  日本語のデータベース with', '  all that… — 1 changed (5 s)']);
  });

  it('does not say again below a title what it says already', async () => {
    const steps = [
      { id: 'switchover/hand-over', title: 'hand the lead from pg1 to pg2', hosts: ['pg1'] },
      { id: 'switchover/follow', title: 'wait until pg1 and pg3 stream from pg2', hosts: ['pg2'] },
    ];
    const begun: RunEvent[] = [
      ...upTo('surveyed', 3),
      { type: 'steps', steps },
      { type: 'step-start', host: 'pg1', stage: 'switchover/hand-over', changes: 1 },
      { type: 'changing', host: 'pg1', stage: 'switchover/hand-over', resource: 'x', summary: 'hand the lead from pg1 to pg2' },
      { type: 'note', host: 'pg1', stage: 'switchover/hand-over', text: 'waiting until pg2 leads' },
    ];
    const follow: RunEvent[] = [
      { type: 'step-end', host: 'pg1', stage: 'switchover/hand-over', result: 'changed', changes: 1, ms: 5 },
      { type: 'step-start', host: 'pg2', stage: 'switchover/follow', changes: 0 },
      { type: 'waiting', host: 'pg2', stage: 'switchover/follow', title: 'pg1 and pg3 stream from pg2' },
    ];
    const shown = async (events: readonly RunEvent[], drawn: RegExp): Promise<string> =>
      stripVTControlCharacters((await tree(events, { drawn })).raw);
    // A machine that has much to do draws it only when the wait is counted already.
    expect(await shown(begun, /waiting until pg2 leads/u)).toMatch(
      /^\S pg1 · hand the lead from pg1 to pg2\n +› waiting until pg2 leads(?: \(\d+ s\))?$/mu,
    );
    const waits = await shown([...begun, ...follow], /stream from pg2/u);
    expect(waits).toMatch(/^\S pg2 · wait until pg1 and pg3 stream from pg2(?: \(\d+ s\))?$/mu);
    expect(waits).not.toContain('waiting until pg1');
  });

  it('says at the end where something was saved, and how it came out, each in its own lines', async () => {
    const steps = [{ id: 'recover/start', title: 'start pg1 alone', hosts: ['pg1'] }];
    const { last } = await tree([
      ...upTo('surveyed', 3),
      { type: 'steps', steps },
      { type: 'note', lasts: true, text: 'demo was saved in demo.tar.gz' },
      { type: 'step-start', host: 'pg1', stage: 'recover/start', changes: 1 },
      { type: 'step-end', host: 'pg1', stage: 'recover/start', result: 'changed', changes: 1, ms: 5 },
      { type: 'note', text: 'RTO: 4 s\nRPO: 1 s' },
    ]);
    const from = last.indexOf('demo was saved in demo.tar.gz');
    expect(last.slice(from, from + 4)).toEqual(['demo was saved in demo.tar.gz', '', 'RTO: 4 s', 'RPO: 1 s']);
  });

  it('shows what one host alone does in one line', async () => {
    const alone = (id: string, host: string, result: 'changed' | 'failed'): RunEvent[] => [
      { type: 'step-start', host, stage: id, changes: 1 },
      {
        type: 'step-end',
        host,
        stage: id,
        changes: 1,
        ms: 5000,
        result,
        ...(result === 'failed' ? { error: new PgprovError({ kind: 'a/b', host, message: `${host}: it does not start` }) } : {}),
      },
      { type: 'stage-end', stage: id, ms: 5000 },
    ];
    const steps = [
      { id: 'restart/hand-over', title: 'hand the lead from pg1 to pg2', hosts: ['pg1'] },
      { id: 'restart/pg1', title: 'restart PostgreSQL on pg1', hosts: ['pg1'] },
      { id: 'restart/pg3', title: 'restart PostgreSQL on pg3', hosts: ['pg3'] },
    ];
    const { last } = await tree([
      ...upTo('surveyed', 3),
      { type: 'steps', steps },
      ...alone('restart/hand-over', 'pg1', 'changed'),
      { type: 'write-gap', stage: 'restart/hand-over', ms: 5180, from: 'pg1', to: 'pg2' },
      ...alone('restart/pg1', 'pg1', 'changed'),
      ...alone('restart/pg3', 'pg3', 'failed'),
    ]);
    const lines = withoutTimes(last);
    const from = lines.findIndex((line) => line.includes('hand the lead'));
    expect(lines.slice(from, from + 4)).toEqual([
      '● pg1 · hand the lead from pg1 to pg2 — 1 changed',
      expect.stringContaining('writes paused for 5.2 s'),
      '● restart PostgreSQL on pg1 — 1 changed',
      '✖ restart PostgreSQL on pg3 — failed: it does not start',
    ]);
  });

  it('keeps the progress of many hosts visible on a narrow terminal', async () => {
    const hosts = Array.from({ length: 200 }, (_, index) => `pg${index + 1}`);
    const { raw } = await tree(
      [
        {
          type: 'run-start',
          command: 'apply',
          cluster: 'demo',
          hosts,
          stages: [
            stage('a/b', hosts, 'install PostgreSQL 17, etcd and Patroni, and whatever else each of them needs on hosts of this kind'),
          ],
        },
        { type: 'connecting', host: 'pg1' },
        ...hosts.map((host): RunEvent => ({ type: 'step-start', host, stage: 'a/b', changes: 1 })),
        { type: 'step-end', host: 'pg1', stage: 'a/b', result: 'changed', changes: 1, ms: 10 },
      ],
      { columns: 40, drawn: /1 of 200 hosts done/u },
    );
    expect(stripVTControlCharacters(raw)).toMatch(/ {2}them needs on… — 1 of 200 hosts done/u);
  });

  const LONG = 'restart PostgreSQL on pg2 (max_connections: 100 → 200, shared_buffers: 128MB → 256MB, wal_level: replica → logical)';

  it.each([
    {
      columns: 80,
      lines: [
        '● restart PostgreSQL on pg2 (max_connections: 100 → 200, shared_buffers: 128MB',
        '  → 256MB, wal_level: replica → logical) — 1 changed (5 s)',
      ],
    },
    {
      columns: 100,
      lines: [
        '● restart PostgreSQL on pg2 (max_connections: 100 → 200, shared_buffers: 128MB → 256MB, wal_level:',
        '  replica → logical) — 1 changed (5 s)',
      ],
    },
    { columns: 134, lines: [`● ${LONG}`, '  — 1 changed (5 s)'] },
  ])('wraps the title of a step at $columns columns', async ({ columns, lines }) => {
    const { last } = await tree(
      [
        ...upTo('surveyed', 3),
        { type: 'steps', steps: [{ id: 'restart/pg2', title: LONG, hosts: ['pg2'] }] },
        { type: 'step-start', host: 'pg2', stage: 'restart/pg2', changes: 1 },
        { type: 'step-end', host: 'pg2', stage: 'restart/pg2', changes: 1, ms: 5000, result: 'changed' },
        { type: 'stage-end', stage: 'restart/pg2', ms: 5000 },
      ],
      { columns },
    );
    const from = last.findIndex((line) => line.includes('restart PostgreSQL'));
    expect(last.slice(from, from + lines.length)).toEqual(lines);
  });

  it('keeps how it came out on each host, whose line repeats the title', async () => {
    const hosts = ['pg1', 'pg2'];
    const { last } = await tree([
      ...upTo('surveyed', 3),
      { type: 'steps', steps: [{ id: 'stop/all', title: LONG, hosts }] },
      ...hosts.map((host): RunEvent => ({ type: 'step-start', host, stage: 'stop/all', changes: 1 })),
      { type: 'step-end', host: 'pg1', stage: 'stop/all', changes: 1, ms: 5000, result: 'changed' },
      { type: 'step-end', host: 'pg2', stage: 'stop/all', changes: 0, ms: 1, result: 'ok' },
    ]);
    expect(last.filter((line) => line.startsWith('  ● ') || line.startsWith('  ✔ '))).toEqual([
      expect.stringMatching(/^ {2}● pg1 · restart .*… — 1 changed \(5 s\)$/u),
      expect.stringMatching(/^ {2}✔ restart .*… — ok$/u),
    ]);
  });

  it('says whole what was not started', async () => {
    const steps = ['one', 'two'].map((id) => ({ id, title: `${LONG} ${id}`, hosts: ['pg2'] }));
    const { last } = await tree([...upTo('surveyed', 3), { type: 'steps', steps }]);
    const shown = last.join(' ').replaceAll(/\s+/gu, ' ');
    expect(shown).toContain('◌ not started: prepare hosts, ');
    expect(shown).toContain(`${LONG} one, ${LONG.slice(0, 30)}`);
  });

  it('assumes the usual width for a terminal that does not know its width', async () => {
    const { last } = await tree(failingRun(), { columns: 0, pause: 150 });
    expect(withoutTimes(last)).toContain('● install PostgreSQL 17 — 3 changes on 3 hosts');
  });

  it('shows failed proofs', async () => {
    const { last } = await tree([
      ...upTo('surveyed', 3),
      {
        type: 'checked',
        results: [
          { title: 'a leader', ok: true, detail: 'pg1' },
          { title: 'the replica streams', ok: false, detail: 'it does not', host: 'pg2' },
        ],
      },
    ]);
    expect(last).toContain('✖ Check the cluster — 1 of 2 proofs fail');
    expect(last).toContain('  ✖ pg2 · the replica streams — failed: it does not');
  });

  it('shows how long writes paused, below the stage in which they did', async () => {
    const { last } = await tree([
      ...upTo('stage-end', 2),
      { type: 'write-gap', stage: 'postgresql/packages', ms: 5180, from: 'pg1', to: 'pg2' },
    ]);
    const at = last.findIndex((line) => line.includes('writes paused for 5.2 s: from the last commit on pg1 to the first on pg2'));
    expect(last.slice(0, at).findLast((line) => !line.startsWith(' '))).toContain('install PostgreSQL 17');
  });

  it('shows a stage that was not announced', async () => {
    const { last } = await tree([
      ...upTo('planned'),
      { type: 'step-end', host: 'pg1', stage: 'base/selinux', result: 'ok', changes: 0, ms: 1 },
    ]);
    expect(last.join('\n')).toContain('base/selinux');
  });

  it.each([
    ['nothing', []],
    ['the announcement', upTo('warning')],
    ['the first connection', upTo('connecting')],
    ['the survey', upTo('surveyed', 2)],
    ['a stage', upTo('changing', 2)],
    ['an error before any connection', [{ type: 'failed', error: new PgprovError({ kind: 'a/b', message: 'no' }) }]],
  ] as [string, RunEvent[]][])('closes after %s, twice, with the cursor shown', async (_name, events) => {
    for (const pause of [0, 120]) {
      const { raw } = await tree(events, { pause });
      expect(raw.lastIndexOf('\u001b[?25l')).toBeLessThanOrEqual(raw.lastIndexOf(SHOW_CURSOR));
    }
  });
});
