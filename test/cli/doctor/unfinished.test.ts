import { mkdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { unfinishedDiagnosis } from '../../../src/cli/doctor/unfinished.js';
import { withOwnDoing } from '../../../src/cli/operations/own-doing.js';
import { unfinishedOperation, unfinishedWords } from '../../../src/cli/operations/unfinished.js';
import { DIAGNOSES } from '../../../src/diagnoses/index.js';
import type { Drift } from '../../../src/events.js';
import type { Finding } from '../../../src/lib/finding.js';
import type { Inventory } from '../../../src/model/index.js';
import type { Examination } from '../../../src/plan/diagnosis.js';
import { View } from '../../../src/plan/view.js';
import { PATRONI_MEMBER } from '../../../src/resources/patroni/member.js';
import { writeOperation } from '../../../src/store/operation-record.js';
import { storeDirectory } from '../../../src/store/store.js';
import { freshDirectory } from '../../support/directory.js';
import { inventoryOf, THREE } from '../../support/inventory.js';

describe('doctor of a cluster with an operation that is not finished', () => {
  const work = freshDirectory();

  async function begun(operation: string, chosen: Readonly<Record<string, unknown>> = {}): Promise<Inventory> {
    const inventory = { ...(await inventoryOf(THREE)), dir: work.path };
    const record = { operation, given: {}, chosen, began: '2026-11-28T09:00:00.000Z', by: 'ann@laptop' };
    mkdirSync(storeDirectory(inventory.dir, inventory.cluster), { recursive: true });
    await writeOperation(storeDirectory(inventory.dir, inventory.cluster), record);
    return inventory;
  }

  async function findings(
    inventory: Inventory,
    leader: string | undefined,
    view = new View(inventory, new Map()),
  ): Promise<readonly Finding[]> {
    const examination = { view, now: 0, unseen: new Map(), gone: [], log: () => [] } satisfies Examination;
    return unfinishedDiagnosis(await unfinishedOperation(inventory), leader).find(examination);
  }

  it('says first that a restore is not finished, how it is ended, and that members are down because of it', async () => {
    const inventory = await begun('restore');
    const [found] = await findings(inventory, undefined);
    expect(found).toMatchObject({
      level: 'broken',
      what: 'the restore that ann@laptop began at 2026-11-28T09:00:00Z is not finished, and until then nothing else may change demo',
      since: Date.parse('2026-11-28T09:00:00.000Z'),
      affects: ['pg1', 'pg2', 'pg3'],
    });
    expect(found?.mend).toMatch(/^finish it with `pgprov restore .*`, or take it back with `pgprov restore .* --undo`$/u);
    expect(found?.explains).toContain('without-patroni');
    const names = DIAGNOSES.map(({ name }) => name);
    expect(found?.explains?.filter((name) => !names.includes(name))).toEqual([]);
  });

  it('tells what a recover that is not finished holds down below it, as long as a member is down', async () => {
    const inventory = await begun('recover');
    const [found] = await findings(inventory, undefined);
    expect(found).toMatchObject({ level: 'broken', affects: ['pg1', 'pg2', 'pg3'] });
    expect(found?.follows).toBe('members stay down until then, and no client can write; whatever else changes the cluster is refused');
    expect(found?.mend).toMatch(/^finish it with `pgprov recover .*`, or give it up with `pgprov recover .* --give-up`$/u);
    expect(found?.explains).toContain('unit-stopped');
    const answering = (names: readonly string[]): View =>
      new View(inventory, new Map(['pg1', 'pg2'].map((name) => [name, new Map([[PATRONI_MEMBER.id, { answers: names.includes(name) }]])])));
    const level = async (names: readonly string[]): Promise<string | undefined> =>
      (await findings(inventory, 'pg1', answering(names)))[0]?.level;
    expect([await level(['pg1']), await level(['pg1', 'pg2'])]).toEqual(['broken', 'danger']);
  });

  it('blames an upgrade for the identity that it gives the data, and takes none back whose former data goes', async () => {
    const [found] = await findings(await begun('upgrade', { to: 17 }), 'pg1');
    expect(found?.explains).toEqual(expect.arrayContaining(['initialize-key', 'system-identifier']));
    expect(found?.mend).toMatch(/--undo`$/u);
    const [finishing] = await findings(await begun('upgrade', { finish: true }), 'pg1');
    expect(finishing?.mend).toMatch(/^finish it with `pgprov upgrade [^`]*`$/u);
  });

  it('blames nothing on an operation that stops no members', async () => {
    const inventory = await begun('switchover');
    const [found] = await findings(inventory, undefined);
    expect([found?.level, found?.explains]).toEqual(['danger', undefined]);
    expect(found?.mend).toMatch(/--give-up`$/u);
    const unfinished = await unfinishedOperation(inventory);
    expect(unfinished === undefined ? '' : unfinishedWords(unfinished)).toBe(`${found?.what}; ${found?.mend}`);
  });

  it('tells below it of pools that it may have left paused', async () => {
    const [found] = await findings(await begun('switchover', { pausePools: true }), 'pg1');
    expect([found?.explains, found?.affects]).toEqual([['pools-paused'], ['pg1', 'pg2', 'pg3']]);
  });

  it('takes for the doing of an operation what it has set for its own time, and no setting of others', async () => {
    const told = async (operation: string, chosen: Readonly<Record<string, unknown>>, setting: string): Promise<Drift | undefined> =>
      withOwnDoing(
        [{ host: 'pg1', what: 'nobody has set it', mend: 'take it back', setting }],
        await unfinishedOperation(await begun(operation, chosen)),
      )[0];
    const own = await told('replace', { host: 'pg2', slotsTtl: null }, 'member_slots_ttl "0s"');
    expect(own?.what).toBe(
      'the dynamic configuration of the cluster has member_slots_ttl "0s", which pgprov has set for the time of an operation',
    );
    expect(own?.mend).toMatch(/^leave it as it is: .*; the replace that ann@laptop began at 2026-11-28T09:00:00Z is not finished/u);
    expect((await told('rename', { host: 'pg2', slotsTtl: 60 }, 'member_slots_ttl "0s"'))?.mend).toBe(
      own?.mend.replace('replace', 'rename'),
    );
    // It was 0 before, or has nothing to do with it.
    expect((await told('replace', { host: 'pg2', slotsTtl: 0 }, 'member_slots_ttl "0s"'))?.mend).toBe('take it back');
    expect((await told('replace', { host: 'pg2', slotsTtl: null }, 'ttl 0'))?.mend).toBe('take it back');
    expect((await told('restart', {}, 'member_slots_ttl "0s"'))?.mend).toBe('take it back');
  });

  it('finds nothing where none is', async () => {
    expect(await findings({ ...(await inventoryOf(THREE)), dir: work.path, cluster: 'other' }, 'pg1')).toEqual([]);
  });
});
