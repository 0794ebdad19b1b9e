import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  fileChange,
  assertSameChanges,
  assertSameOrigin,
  readPlanFile,
  writePlanFile,
  type PlanFile,
} from '../../../src/cli/apply/plan-file.js';
import type { PlannedChange } from '../../../src/events.js';
import { freshDirectory } from '../../support/directory.js';

const work = freshDirectory();

const change = (host: string, summary: string, before?: string): PlannedChange => ({
  host,
  stage: 'etcd/configure',
  resource: 'file:/x',
  action: 'update',
  summary,
  projected: false,
  ...(before === undefined ? {} : { before, after: 'new' }),
});

async function planned(changes: readonly PlannedChange[], set: string[] = [], rolesPath: string[] = []): Promise<PlanFile> {
  writeFileSync(work.at('inventory.yml'), 'cluster: demo\n');
  await writePlanFile(
    work.at('plan.json'),
    { inventory: { file: work.at('inventory.yml'), rolesPath }, set, aim: { host: ['pg*'] } },
    changes,
  );
  const plan = await readPlanFile(work.at('plan.json'));
  if (plan === undefined) throw new Error('no plan');
  return plan;
}

describe('a plan file', () => {
  it('stores what was planned without file contents, readable by its owner alone', async () => {
    const plan = await planned([change('pg1', 'write /x', 'password: old')], ['postgresql.port=5433']);
    expect(plan).toMatchObject({ inventory: work.at('inventory.yml'), set: ['postgresql.port=5433'], aim: { host: ['pg*'] } });
    expect(plan.changes).toMatchObject([
      { host: 'pg1', stage: 'etcd/configure', resource: 'file:/x', action: 'update', summary: 'write /x' },
    ]);
    expect(plan.changes[0]?.before).toMatch(/^[0-9a-f]{64}$/u);
    expect(readFileSync(work.at('plan.json'), 'utf8')).not.toContain('old');
    expect(statSync(work.at('plan.json')).mode & 0o777).toBe(0o600);
  });

  it('rejects an override that is a secret', async () => {
    await expect(planned([], ['replication.password=open5esame'])).rejects.toMatchObject({
      kind: 'plan/secret-override',
      message: expect.not.stringContaining('open5esame') as string,
    });
  });

  it.each([
    { title: 'an inventory', text: 'cluster: demo\n' },
    { title: 'an inventory in JSON', text: '{"cluster": "demo"}' },
    { title: 'an empty file', text: '' },
    { title: 'null', text: 'null' },
    { title: 'a truncated plan', text: '{"pgprov_plan": 1, "inv' },
  ])('is rejected: $title', async ({ text }) => {
    writeFileSync(work.at('x'), text);
    expect(await readPlanFile(work.at('x'))).toBeUndefined();
  });

  it('is never read from a pipe, which is read only once and may have no writer', async () => {
    execFileSync('mkfifo', [work.at('pipe')]);
    expect(await readPlanFile(work.at('pipe'))).toBeUndefined();
  });

  it('is rejected when nothing is at the path', async () => expect(await readPlanFile(work.at('none'))).toBeUndefined());

  it('is rejected when another version made it', async () => {
    writeFileSync(work.at('x'), '{"pgprov_plan": 99}');
    await expect(readPlanFile(work.at('x'))).rejects.toMatchObject({ kind: 'plan/format', exitCode: 2 });
  });

  it('is valid while its inventory and pgprov are unchanged', async () => {
    const plan = await planned([]);
    await expect(assertSameOrigin(plan)).resolves.toBeUndefined();
    await expect(assertSameOrigin({ ...plan, program_digest: 'x' })).rejects.toMatchObject({
      kind: 'plan/outdated',
      exitCode: 4,
      message: expect.stringMatching(/pgprov itself/u) as string,
    });
    writeFileSync(work.at('inventory.yml'), 'cluster: other\n');
    await expect(assertSameOrigin(plan)).rejects.toMatchObject({
      kind: 'plan/outdated',
      message: expect.stringMatching(/inventory\.yml changed/u) as string,
    });
  });

  it('is valid while the user’s own roles are unchanged', async () => {
    mkdirSync(work.at('roles', 'templates', 'x'), { recursive: true });
    writeFileSync(work.at('roles', 'templates', 'x', 'y.hbs'), 'one');
    const plan = await planned([], [], [work.at('roles')]);
    await expect(assertSameOrigin(plan)).resolves.toBeUndefined();
    writeFileSync(work.at('roles', 'templates', 'x', 'y.hbs'), 'two');
    const refusal = { kind: 'plan/outdated', message: `a role or template in ${work.at('roles')} changed since the plan was made` };
    await expect(assertSameOrigin(plan)).rejects.toMatchObject(refusal);
    rmSync(work.at('roles'), { recursive: true });
    await expect(assertSameOrigin(plan)).rejects.toMatchObject(refusal);
  });
});

describe('a run that carries out a plan file', () => {
  const plan = [change('pg1', 'write /x', 'old'), change('pg2', 'write /x', 'old')].map(fileChange);

  it.each<{ title: string; now: PlannedChange[]; differences?: RegExp }>([
    { title: 'may make the planned changes in another order', now: [change('pg2', 'write /x', 'old'), change('pg1', 'write /x', 'old')] },
    {
      title: 'may not make fewer changes',
      now: [change('pg1', 'write /x', 'old')],
      differences: /pg2: write \/x \(in the plan, not so now\)$/u,
    },
    {
      title: 'may not make more changes',
      now: [change('pg1', 'write /x', 'old'), change('pg2', 'write /x', 'old'), change('pg3', 'restart etcd')],
      differences: /pg3: restart etcd \(not so in the plan\)$/u,
    },
    {
      title: 'may not change a file that was edited since',
      now: [change('pg1', 'write /x', 'old'), change('pg2', 'write /x', 'edited')],
      differences: /pg2: write \/x \(not so in the plan\)\n {2}pg2: write \/x \(in the plan, not so now\)$/u,
    },
    {
      title: 'shows only the first of many differences',
      now: Array.from({ length: 20 }, (_, index) => change(`h${index}`, 'x')),
      differences: /and 14 more$/u,
    },
  ])('$title', ({ now, differences }) => {
    const insist = (): void => assertSameChanges(plan, now);
    if (differences === undefined) expect(insist).not.toThrow();
    else
      expect(insist).toThrow(
        expect.objectContaining({ kind: 'plan/outdated', exitCode: 4, message: expect.stringMatching(differences) as string }) as Error,
      );
  });
});
