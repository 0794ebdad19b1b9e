import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { etcdBeginsAnew } from '../../../../roles/shared/etcd/begins-anew.js';
import { freshDirectory } from '../../../support/directory.js';
import { contextOf, inventoryOf } from '../../../support/inventory.js';
import { MadeUpHost } from '../../../support/made-up-host.js';
import { bringAbout } from '../../../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../../../support/shells.js';

const work = freshDirectory();

inEveryShell(HOST_SHELLS, (shell) => {
  it('has a member without data that once joined an etcd begin a new one, and leaves one with data as it is', async () => {
    const made = new MadeUpHost({ root: work.path, paths: ['/etc/default', '/var/lib/etcd'], programs: {} });
    const context = contextOf(
      await inventoryOf('cluster: demo\nroles: [base, pgdg, postgresql, replication, etcd, patroni]\nhosts: {pg1: 192.0.2.1}\n'),
      'pg1',
    );
    const file = work.at('etc/default/etcd');
    rmSync(work.at('var/lib/etcd/demo'), { recursive: true, force: true });
    const written = (state: string): string => `ETCD_NAME="pg1"\nETCD_INITIAL_CLUSTER_STATE=${state}\nETCD_X="existing"\n`;
    for (const state of ['"existing"', 'existing']) {
      writeFileSync(file, written(state));
      await bringAbout(shell, made.resource(etcdBeginsAnew(context)));
      expect(readFileSync(file, 'utf8')).toBe(written(state.replace('existing', 'new')));
      expect((await bringAbout(shell, made.resource(etcdBeginsAnew(context)))).changes).toEqual([]);
    }
    mkdirSync(work.at('var/lib/etcd/demo/member'), { recursive: true });
    writeFileSync(file, written('"existing"'));
    expect((await bringAbout(shell, made.resource(etcdBeginsAnew(context)))).changes).toEqual([]);
  });
});
