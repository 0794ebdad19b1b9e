import { describe, expect, it } from 'vitest';
import { goesTo, savedConfig, wayBack } from '../../../src/cli/config/back.js';
import { mergePatch } from '../../../src/resources/dynamic-config.js';
import { SAVED_KEYS } from '../../../src/resources/saved-keys.js';
import { writeSnapshot } from '../../../src/store/snapshot-file.js';
import { freshDirectory } from '../../support/directory.js';
import { inventoryOf, THREE } from '../../support/inventory.js';

const inventory = await inventoryOf(THREE);

describe('going back to a saved configuration', () => {
  const work = freshDirectory();
  const saved = { ttl: 40, check_timeline: true, postgresql: { parameters: { work_mem: '7MB', wal_keep_size: '1GB' }, use_slots: true } };
  const current = { ttl: 30, pause: true, failsafe_mode: true, postgresql: { parameters: { work_mem: '9MB', wal_keep_size: '1GB' } } };

  it('changes what the inventory does not give, and says what stays', () => {
    const { patch, kept } = wayBack(inventory, current, { ...saved });
    expect(patch).toEqual({
      check_timeline: true,
      failsafe_mode: null,
      postgresql: { parameters: { work_mem: '7MB' } },
    });
    expect(kept.map(({ path }) => path.join('.')).sort()).toEqual(['pause', 'postgresql.use_slots', 'ttl']);
    expect(mergePatch(current, patch)).toMatchObject({ ttl: 30, pause: true, postgresql: { parameters: { work_mem: '7MB' } } });
    expect(wayBack(inventory, current, current)).toEqual({ patch: {}, kept: [] });
  });

  it('resumes an edit that goes there, and no other', () => {
    expect(goesTo({ check_timeline: true, failsafe_mode: null, postgresql: { parameters: { work_mem: '7MB' } } }, saved)).toBe(true);
    expect(goesTo({ check_timeline: false }, saved)).toBe(false);
    expect(goesTo({ ttl: null }, saved)).toBe(false);
  });

  it('reads the snapshot, without the record of pgprov', async () => {
    const keys = (value: unknown): Map<string, Buffer> =>
      new Map([[SAVED_KEYS, Buffer.from(JSON.stringify({ keys: { config: { value: JSON.stringify(value), revision: '1' } } }))]]);
    const { file } = await writeSnapshot({ to: work.at('one.tar.gz') }, new Date(), keys({ ...saved, pgprov: { set: [] } }));
    expect(await savedConfig(file, inventory)).toEqual(saved);
    const manifest = (cluster: string): [string, Buffer] => ['manifest.json', Buffer.from(JSON.stringify({ cluster }))];
    const { file: own } = await writeSnapshot({ to: work.at('own.tar.gz') }, new Date(), new Map([manifest('demo'), ...keys(saved)]));
    expect(await savedConfig(own, inventory)).toEqual(saved);
    const { file: foreign } = await writeSnapshot(
      { to: work.at('foreign.tar.gz') },
      new Date(),
      new Map([manifest('sales'), ...keys(saved)]),
    );
    await expect(savedConfig(foreign, inventory)).rejects.toMatchObject({
      kind: 'config/not-saved',
      message: expect.stringMatching(/foreign\.tar\.gz was taken of the cluster sales, and this one is demo$/u),
    });
    const { file: other } = await writeSnapshot({ to: work.at('two.tar.gz') }, new Date(), new Map([['manifest.json', Buffer.from('{}')]]));
    await expect(savedConfig(other, inventory)).rejects.toMatchObject({ kind: 'config/not-saved', exitCode: 2 });
    for (const [index, text] of ['null', '[1]', 'no JSON'].entries()) {
      const entries = new Map([['manifest.json', Buffer.from(text)]]);
      const { file: odd } = await writeSnapshot({ to: work.at(`odd-${index}.tar.gz`) }, new Date(), entries);
      await expect(savedConfig(odd, inventory)).rejects.toMatchObject({ kind: 'config/not-saved', exitCode: 2 });
    }
  });
});
