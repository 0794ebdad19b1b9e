import { describe, expect, it } from 'vitest';
import { adviceBeside } from '../../src/engine/advice.js';
import { pgprov } from '../../src/lib/pgprov-command.js';
import { inventoryOf, THREE } from '../support/inventory.js';

describe('advice beside an unfinished operation', async () => {
  const inventory = await inventoryOf(THREE);
  const operation = { name: 'config edit', options: { approve: { type: 'boolean', answers: true, description: '' } } } as const;
  const giveUp = `pgprov config edit ${inventory.file} --give-up`;

  it.each([
    [pgprov`apply ${inventory}`, `\`${giveUp} && pgprov apply ${inventory.file}\``],
    [pgprov`switchover ${inventory} --to pg2`, `\`${giveUp} && pgprov switchover ${inventory.file} --to pg2\``],
    [pgprov`config edit ${inventory} --put a=1`, `\`${giveUp} && pgprov config edit ${inventory.file} --put a=1\``],
  ])('gives it up before what it holds up: %s', (command, advised) => {
    expect(adviceBeside(operation, inventory, `correct the file, or have ${command} write it again; then go on`)).toBe(
      `correct the file, or have ${advised} write it again; then go on`,
    );
  });

  it.each([
    pgprov`status ${inventory}`,
    pgprov`config diff ${inventory}`,
    pgprov`config edit ${inventory}`,
    pgprov`config edit ${inventory} --give-up`,
    pgprov`config edit ${inventory} --approve`,
    pgprov`backups ${inventory}`,
    '`journalctl -u patroni`',
  ])('leaves alone what changes nothing, what finishes it and what gives it up: %s', (command) => {
    expect(adviceBeside(operation, inventory, `see ${command}`)).toBe(`see ${command}`);
  });

  it('takes back a clone, and not what it would change of its source', () => {
    const clone = { name: 'clone', options: { undo: { type: 'boolean', answers: 'takes-back', description: '' } } } as const;
    const undo = `pgprov clone /srv/source.yml --into ${inventory.file} --undo`;
    const advised = adviceBeside(
      clone,
      inventory,
      `see ${pgprov`apply ${inventory}`} and \`pgprov certs renew /srv/source.yml\``,
      '/srv/source.yml',
    );
    expect(advised).toBe(`see \`${undo} && pgprov apply ${inventory.file}\` and \`pgprov certs renew /srv/source.yml\``);
  });
});
