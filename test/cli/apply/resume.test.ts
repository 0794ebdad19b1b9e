import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import { CATALOG } from '../../../roles/index.js';
import { journaled, type JournalHead } from '../../../src/cli/pipeline/journaled.js';
import { resumeOptions, type Resumed } from '../../../src/cli/apply/resume.js';
import type { RunEvent } from '../../../src/events.js';
import { PgprovError } from '../../../src/lib/errors.js';
import { Secret } from '../../../src/lib/secret.js';
import { loadInventory } from '../../../src/model/index.js';
import { journalFile, runIds } from '../../../src/store/journal.js';
import { readRuns } from '../../../src/store/run-record.js';
import { storeDirectory } from '../../../src/store/store.js';
import { freshDirectory } from '../../support/directory.js';
import { THREE } from '../../support/inventory.js';
import { stage } from '../../report/fixtures.js';

const START: RunEvent = { type: 'run-start', command: 'apply', cluster: 'demo', hosts: ['pg1'], stages: [stage('etcd/start', ['pg1'])] };
const STEP: RunEvent = { type: 'step-start', host: 'pg1', stage: 'etcd/start', changes: 1 };
const END: RunEvent = { type: 'run-end', exitCode: 0, ms: 9, recap: [] };

const work = freshDirectory();
const file = (): string => work.at('inventory.yml');
const store = (): string => storeDirectory(work.path, 'demo');

/** Journals a run, as one whose process is gone. */
async function journal(
  said: Partial<JournalHead>,
  events: readonly RunEvent[],
  by: object = { pid: spawnSync('true').pid, machine: hostname() },
): Promise<string> {
  writeFileSync(file(), THREE);
  mkdirSync(store(), { recursive: true });
  const inventory = await loadInventory(file(), { roles: CATALOG, set: said.set ?? [] });
  const told: RunEvent[] = [];
  const journal = journaled(store(), inventory, { aim: {}, set: [], ...said }, (event) => told.push(event));
  for (const event of events) journal.emit(event);
  journal.close();
  const id = runIds(store()).at(-1) ?? '';
  // What goes on from the run asks for its id when it is over.
  expect(journal.run).toBe(events.some(({ type }) => type === 'run-start') ? id : undefined);
  expect(told).toEqual(
    events.map((event) => (event.type === 'run-start' ? { ...event, run: id, again: expect.any(String) as string } : event)),
  );
  const path = journalFile(store(), id);
  writeFileSync(path, readFileSync(path, 'utf8').replace(/"process":\{[^}]*\}/u, `"process":${JSON.stringify(by)}`));
  return id;
}

describe('journaled', () => {
  it('contains no secret, neither a known one nor what looks like one', async () => {
    const { length } = new Secret('hunter22').reveal();
    await journal({ set: ['postgresql.superuser_password=tr0ub4dor', 'patroni.restapi_password=q'] }, [
      START,
      { type: 'note', text: 'saw hunter22 and tr0ub4dor' },
      { type: 'failed', error: new PgprovError({ kind: 'a/b', message: 'hunter22', hint: 'hunter22', cause: new Error('hunter22') }) },
      {
        type: 'planned',
        effects: [],
        changes: [
          {
            host: 'pg1',
            stage: 's',
            resource: 'r',
            action: 'update',
            summary: 's',
            projected: false,
            before: 'password: abcd',
            after: 'hunter22',
          },
        ],
      },
    ]);
    const text = readRuns(store())[0]?.lines.join('\n') ?? '';
    expect(length).toBe(8);
    expect(text).not.toMatch(/hunter22|tr0ub4dor|abcd|=q/u);
    expect(text).toContain('"set":["postgresql.superuser_password=***","patroni.restapi_password=***"]');
  });

  it('leaves no journal of a run that never began', async () => {
    await journal({}, []).catch(() => undefined);
    expect(runIds(store())).toEqual([]);
  });

  it('warns once when the journal cannot be written, and passes every event on', async () => {
    writeFileSync(file(), THREE);
    mkdirSync(store(), { recursive: true });
    writeFileSync(work.at('.pgprov', 'demo', 'runs'), '');
    const told: RunEvent[] = [];
    const unkept = journaled(store(), await loadInventory(file(), { roles: CATALOG }), { aim: {}, set: [] }, (event) => told.push(event));
    for (const event of [START, STEP, END]) unkept.emit(event);
    unkept.close();
    expect(unkept.run).toBeUndefined();
    expect(told).toEqual([
      {
        type: 'warning',
        text: expect.stringMatching(/^the journal in .*runs cannot be written: .*; the run continues without it$/u) as string,
      },
      // Without a journal there is none to be resumed from.
      { ...START, again: expect.stringMatching(/^pgprov apply \S*inventory\.yml$/u) as string },
      STEP,
      END,
    ]);
  });
});

describe('resumeOptions', () => {
  it('resumes the last run with its selection and overrides', async () => {
    await journal({ aim: { host: ['pg3'] } }, [START, END]);
    const id = await journal({ aim: { host: ['pg1'], skipRole: ['etcd'] }, set: ['postgresql.port=5433'] }, [START, STEP]);
    expect(await resumeOptions(file(), { output: 'plain' })).toEqual({
      options: { output: 'plain', host: ['pg1'], skipRole: ['etcd'], set: ['postgresql.port=5433'] },
      resumes: id,
      notices: [
        {
          type: 'note',
          text: `resuming run ${id} (apply --host pg1 --skip-role etcd --set postgresql.port=5433), which broke off at pg1 etcd/start`,
        },
      ],
    });
  });

  it('accepts options that repeat what the run was started with', async () => {
    await journal({ aim: { host: ['pg1', 'pg2'] }, set: ['postgresql.port=5433'] }, [START]);
    const resumed = await resumeOptions(file(), { host: ['pg2', 'pg1'], set: ['postgresql.port=5433'] });
    expect(resumed).toMatchObject({ options: { host: ['pg1', 'pg2'], set: ['postgresql.port=5433'] } });
  });

  it('accepts a secret that is given again', async () => {
    await journal({ set: ['patroni.restapi_password=one', 'postgresql.port=5433'] }, [START]);
    expect(await resumeOptions(file(), { set: ['patroni.restapi_password=one'] })).toMatchObject({
      options: { set: ['patroni.restapi_password=one', 'postgresql.port=5433'] },
    });
  });

  it('warns of an inventory that has changed since, and that a plan file is not carried out', async () => {
    await journal({ plan: '/p.json' }, [START]);
    writeFileSync(file(), `${THREE}# edited\n`);
    const { notices } = (await resumeOptions(file(), {})) as Resumed<object>;
    expect(notices.slice(1)).toEqual([
      { type: 'warning', text: 'the inventory is not as it was in that run; what it says now is applied' },
      { type: 'warning', text: 'that run carried out the plan /p.json; this one brings the hosts to what the inventory says' },
    ]);
  });

  it('has nothing to do when the run ended well', async () => {
    await journal({}, [START]);
    const id = await journal({}, [START, END]);
    expect(await resumeOptions(file(), {})).toEqual({ nothing: `Nothing to resume: the last run, ${id}, succeeded.` });
  });

  it.each<{ title: string; said: Partial<JournalHead>; by?: object; now: object; error: object }>([
    {
      title: 'another selection',
      said: { aim: { host: ['pg1'] } },
      now: { host: ['pg2'] },
      error: { message: '--host pg2 is not what the run to resume was given, which was `apply --host pg1`', exitCode: 2 },
    },
    {
      title: 'a selection where there was none',
      said: {},
      now: { skipRole: ['etcd'] },
      error: { kind: 'resume/contradiction', message: expect.stringContaining('--skip-role etcd') as string },
    },
    {
      title: 'another value',
      said: { set: ['postgresql.port=5433'] },
      now: { set: ['postgresql.port=5434'] },
      error: { kind: 'resume/contradiction', message: expect.stringContaining('--set postgresql.port=***') as string },
    },
    { title: 'a new override', said: {}, now: { set: ['postgresql.port=5434'] }, error: { kind: 'resume/contradiction' } },
    {
      title: 'a secret left out',
      said: { set: ['patroni.restapi_password=one'] },
      now: {},
      error: { message: 'that run was given --set patroni.restapi_password=***, and the journal keeps no secrets', exitCode: 2 },
    },
    {
      title: 'a run that is still running',
      said: {},
      by: { pid: process.pid, machine: hostname() },
      now: {},
      error: { kind: 'resume/running', exitCode: 5 },
    },
  ])('refuses $title', async ({ said, by, now, error }) => {
    await journal(said, [START, STEP], by);
    await expect(resumeOptions(file(), now)).rejects.toMatchObject(error);
  });

  it('leaves a run of another command to that command', async () => {
    await journal({ command: 'certs renew --ca' }, [START, STEP]);
    await expect(resumeOptions(file(), {})).rejects.toMatchObject({
      kind: 'resume/other-command',
      message: expect.stringContaining('`pgprov certs renew --ca`') as string,
    });
  });

  it('says that there is no run, or no readable one', async () => {
    writeFileSync(file(), THREE);
    await expect(resumeOptions(file(), {})).rejects.toMatchObject({ kind: 'resume/no-run', exitCode: 2 });
    const id = await journal({}, [START]);
    writeFileSync(journalFile(store(), id), '{"type":"jour');
    await expect(resumeOptions(file(), {})).rejects.toMatchObject({ kind: 'resume/unreadable', exitCode: 2 });
  });
});
