import { describe, expect, it } from 'vitest';
import { CATALOG } from '../../roles/index.js';
import { snapshotSteps } from '../../src/operations/shared/snapshot-steps.js';
import snapshot from '../../src/operations/snapshot.js';
import type { View } from '../../src/plan/view.js';
import { ETCD_MEMBER } from '../../src/resources/etcd/member.js';
import type { SnapshotForm } from '../../src/resources/saved.js';
import { contextOf, hostOf, inventoryOf, THREE } from '../support/inventory.js';
import { madeUp, type Made } from './made-up-run.js';

const inventory = await inventoryOf(THREE);

/** What the roles keep of a host, by name. */
const kept = (host: string, form: SnapshotForm, view: View): string[] =>
  CATALOG.filter(({ name }) => hostOf(inventory, host).roles.includes(name)).flatMap((role) =>
    (role.saves?.(contextOf(inventory, host), { form, view }) ?? []).map(({ id }) => id.replace('saved:', '')),
  );

describe('pgprov snapshot', () => {
  it('is one step that nobody has to agree to, for any operation to begin with', () => {
    const [step, ...others] = snapshot.remaining(madeUp(inventory)).steps;
    expect([step, others]).toEqual([{ id: 'snapshot', title: 'save what there is of demo into a file', snapshot: { to: undefined } }, []]);
    expect(snapshotSteps(madeUp(inventory, { done: ['snapshot'] }))).toEqual([]);
  });

  it('connects to the hosts of all roles that keep anything', () => {
    const roles = typeof snapshot.roles === 'function' ? snapshot.roles({ catalog: CATALOG, inventory, options: {} }) : snapshot.roles;
    expect([...roles].sort()).toEqual(['consul', 'consul-agent', 'etcd', 'patroni', 'postgresql']);
  });

  it('has the database of etcd from one healthy member, or the files of all where none is', () => {
    const databases = (made: Made<object>): string[] => {
      const { view } = madeUp(inventory, made);
      return ['pg1', 'pg2', 'pg3'].flatMap((host) =>
        kept(host, 'full', view)
          .filter((name) => name.endsWith('.db'))
          .map((name) => `${host} ${name}`),
      );
    };
    expect(databases({})).toEqual(['pg1 etcd/snapshot.db']);
    expect(databases({ etcdDown: ['pg1'] })).toEqual(['pg2 etcd/snapshot.db']);
    expect(databases({ away: ['pg1'], etcdDown: ['pg2', 'pg3'] })).toEqual([
      'pg1 etcd/member-snap.db',
      'pg2 etcd/member-snap.db',
      'pg3 etcd/member-snap.db',
    ]);
    expect(madeUp(inventory).view.read('pg1', ETCD_MEMBER)?.healthy).toBe(true);
  });

  it('does without journals and databases where an operation waits for it', () => {
    const { view } = madeUp(inventory);
    const [full, light] = [kept('pg1', 'full', view), kept('pg1', 'light', view)];
    expect(full.filter((name) => !light.includes(name)).sort()).toEqual([
      'etcd/journal.txt',
      'etcd/snapshot.db',
      'patroni/journal.txt',
      'postgresql/log.txt',
    ]);
    expect(light).toEqual(
      expect.arrayContaining([
        'dcs/keys.json',
        'etcd/members.json',
        'patroni/patroni.yml',
        'patroni/patroni.dynamic.json',
        'postgresql/pg_controldata.txt',
        'postgresql/pg_wal',
        'postgresql/postgresql.auto.conf',
      ]),
    );
  });
});
