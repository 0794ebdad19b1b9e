import { describe, expect, it } from 'vitest';
import patroni from '../../../../roles/patroni.js';
import { dynamicConfiguration } from '../../../../roles/shared/dynamic.js';
import { View } from '../../../../src/plan/view.js';
import { DCS } from '../../../../src/resources/dcs.js';
import { firstConfiguration, type JsonObject } from '../../../../src/resources/dynamic-config.js';
import { HOST_FACTS } from '../../../../src/resources/host-facts.js';
import { PATRONI_TAKEN } from '../../../../src/resources/patroni/taken.js';
import { contextOf, inventoryOf, THREE } from '../../../support/inventory.js';

const inventory = await inventoryOf(`${THREE}patroni: {ttl: 40}\n`);
const wanted = dynamicConfiguration(contextOf(inventory, 'pg1'));

/** What is told where etcd has one configuration and pg1's Patroni uses another. */
function found(stored: JsonObject | undefined, taken: JsonObject | undefined): { drift: string[]; failed: string[] } {
  const view = new View(
    inventory,
    new Map([
      [
        'pg1',
        new Map<string, unknown>([
          [DCS.id, { reachable: true, config: stored, members: [] }],
          [PATRONI_TAKEN.id, taken],
        ]),
      ],
    ]),
  );
  return {
    drift: (patroni.drift?.(view) ?? []).map(({ what }) => what),
    failed: (patroni.checks?.(view) ?? [])
      .filter(({ ok, title }) => !ok && title === 'Patroni uses the dynamic configuration')
      .map(({ detail }) => detail),
  };
}

describe('the dynamic configuration of a member', () => {
  const what = 'Patroni uses ttl 30, the inventory says 40: it has not taken over the dynamic configuration';

  it('is right when Patroni uses it, and unknown when Patroni has no copy', () => {
    expect(found(wanted, wanted)).toEqual({ drift: [], failed: [] });
    expect(found(wanted, undefined)).toEqual({ drift: [], failed: [] });
  });

  it('is reported, and fails a run, when etcd has it and the member does not use it', () =>
    expect(found(wanted, { ...wanted, ttl: 30 })).toEqual({ drift: [what], failed: [what] }));

  it('is left to the plan when etcd does not have it either, and required at the end', () => {
    expect(found({ ...wanted, ttl: 30 }, { ...wanted, ttl: 30 })).toEqual({ drift: [], failed: [what] });
  });

  it('has a remark, once, for what somebody else set and the inventory does not, with its author and the command', () => {
    const ours = firstConfiguration(wanted);
    const section = ours['postgresql'] as { parameters: JsonObject };
    const stored = {
      ...ours,
      failsafe_mode: true,
      pause: true,
      slots: { a: { type: 'physical' } },
      postgresql: { ...section, parameters: { ...section.parameters, 'pg_stat_statements.max': 100 } },
    };
    const view = new View(
      inventory,
      new Map(
        ['pg1', 'pg2'].map((name) => [
          name,
          new Map<string, unknown>([
            [HOST_FACTS.id, { os: 'debian', version: '13' }],
            [DCS.id, { reachable: true, config: stored, members: [] }],
          ]),
        ]),
      ),
    );
    const told = (name: string, value: string): string =>
      `the dynamic configuration of the cluster has ${name} ${value}, which neither the inventory nor pgprov has set`;
    const command = 'to remove it, run there as root: `patronictl -c /etc/patroni/config.yml edit-config demo';
    const keep = (variable: string): string => `to keep it, give it in ${variable}; ${command}`;
    expect((patroni.drift?.(view) ?? []).map(({ setting }) => setting)).toEqual([
      'postgresql.parameters.pg_stat_statements.max 100',
      'failsafe_mode true',
      'slots.a.type "physical"',
    ]);
    expect((patroni.drift?.(view) ?? []).map(({ setting: _, ...told }) => told)).toEqual([
      {
        host: 'pg1',
        allowed: true,
        what: told('postgresql.parameters.pg_stat_statements.max', '100'),
        mend: `${keep('postgresql.parameters')} -p pg_stat_statements.max=null --force\``,
      },
      {
        host: 'pg1',
        allowed: true,
        what: told('failsafe_mode', 'true'),
        mend: `${keep('patroni.dynamic')} -s failsafe_mode=null --force\``,
      },
      {
        host: 'pg1',
        allowed: true,
        what: told('slots.a.type', '"physical"'),
        mend: `${keep('patroni.dynamic')} -s slots.a.type=null --force\``,
      },
    ]);
    expect(patroni.remarks?.(view, 'pg1')).toHaveLength(3);
    expect(patroni.remarks?.(view, 'pg2')).toEqual([]);
  });

  it('is reported when no Patroni can read it', () => {
    expect(found({ ...wanted, postgresql: 5 }, wanted).drift).toEqual([
      'the dynamic configuration has 5 where the section postgresql belongs: Patroni cannot read it, and its loop has stopped',
    ]);
  });
});
