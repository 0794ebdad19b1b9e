import { describe, expect, it } from 'vitest';
import { describePatch, desiredConfiguration, ownedSettings, patchBetween } from '../../src/operations/shared/config-changes.js';
import { seenConfig } from '../../src/cli/config/view-config.js';
import { View } from '../../src/plan/view.js';
import { differsAnywhere, renderConfig } from '../../src/report/config-text.js';
import { DCS } from '../../src/resources/dcs.js';
import { firstConfiguration, mergePatch, type JsonObject } from '../../src/resources/dynamic-config.js';
import { isPatched } from '../../src/resources/dynamic-config-written.js';
import { PATRONI_TAKEN } from '../../src/resources/patroni/taken.js';
import { SERVER_SETTINGS } from '../../src/resources/settings-in-force.js';
import { inventoryOf, THREE } from '../support/inventory.js';

const inventory = await inventoryOf(
  `${THREE.replace('cluster_address: 10.0.0.2}', 'cluster_address: 10.0.0.2, postgresql: {parameters: {work_mem: 9MB}}}')}postgresql: {parameters: {work_mem: 5MB, max_connections: 50}}
patroni: {dynamic: {failsafe_mode: true}}
`,
);
const desired = desiredConfiguration(inventory);

/** What three members show whose store has this configuration. */
function seen(stored: JsonObject, members: Record<string, { taken?: JsonObject; altered?: { name: string; value: string }[] }> = {}): View {
  return new View(
    inventory,
    new Map(
      inventory.hosts.map(({ name }) => [
        name,
        new Map<string, unknown>([
          [DCS.id, { reachable: true, initialize: '7', leader: 'pg1', members: [], config: stored }],
          [PATRONI_TAKEN.id, members[name]?.taken ?? stored],
          [
            SERVER_SETTINGS.id,
            { answers: true, settings: [], altered: members[name]?.altered ?? [], fileErrors: [], accessErrors: [], idleLines: [] },
          ],
        ]),
      ]),
    ),
  );
}

describe('the view of the dynamic configuration', () => {
  const text = (view: View, onlyDifferences = false, columns = 100): string[] => {
    const found = seenConfig(inventory, view);
    return found === undefined ? [] : renderConfig(found, { color: false, columns }, onlyDifferences).split('\n');
  };
  const first = firstConfiguration(desired);

  it('shows all of it without pgprov’s own record, and what hosts set themselves', () => {
    const lines = text(seen(first));
    expect(lines.some((line) => line.startsWith('pgprov'))).toBe(false);
    expect(lines).toContainEqual(expect.stringMatching(/^ttl +30 +the inventory$/u));
    expect(lines).toContainEqual(expect.stringMatching(/^postgresql\.parameters\.max_connections +50 +the inventory$/u));
    expect(lines).toContain('pg2: work_mem is 9MB, given for this host alone');
    expect(text(seen(first), true)).toEqual(['']);
    expect(differsAnywhere(seenConfig(inventory, seen(first)) as never)).toBe(false);
  });

  it('shows which members differ', () => {
    const stored = mergePatch(first, {
      ttl: 40,
      check_timeline: true,
      pause: true,
      postgresql: { parameters: { work_mem: '1MB' } },
      failsafe_mode: null,
    });
    const view = seen(stored, { pg2: { altered: [{ name: 'log_min_messages', value: 'debug1' }] }, pg3: { taken: first } });
    const lines = text(view, true);
    expect(lines).toContainEqual(expect.stringMatching(/^ttl +40 +the inventory +30$/u));
    expect(lines).toContainEqual(expect.stringMatching(/^failsafe_mode +not set +the inventory +true$/u));
    expect(lines).toContainEqual(expect.stringMatching(/^check_timeline +true +others$/u));
    expect(lines).toContainEqual(expect.stringMatching(/^postgresql\.parameters\.work_mem +1MB +others$/u));
    expect(lines.some((line) => line.startsWith('pause'))).toBe(false);
    expect(text(view)).toContainEqual(expect.stringMatching(/^pause +true +maintenance mode$/u));
    expect(lines).toContain('pg2: log_min_messages is debug1, set by ALTER SYSTEM, which goes over all of this');
    expect(lines.find((line) => line.startsWith('pg3: Patroni does not use '))).toContain('ttl');
    expect(Math.max(...text(view, false, 80).map((line) => line.length))).toBeLessThanOrEqual(80);
  });

  it('recognises what a former inventory set', () => {
    const before = firstConfiguration({ ...desired, check_timeline: true });
    expect(text(seen(before), true)).toContainEqual(expect.stringMatching(/^check_timeline +true +a former inventory$/u));
  });

  it('is empty when no host sees a configuration', () => {
    expect(
      seenConfig(inventory, new View(inventory, new Map([['pg1', new Map([[DCS.id, { reachable: false, why: 'x' }]])]]))),
    ).toBeUndefined();
  });
});

describe('changes of the dynamic configuration', () => {
  it('become a patch', () => {
    const before = { a: 1, b: { c: 2, d: [1] }, e: {} };
    for (const after of [
      before,
      { a: 2, b: { c: 2, d: [1, 2] } },
      { b: 5 },
      { ...before, f: { g: { h: 1 } } },
      {},
      { a: 1, b: { d: [1] }, e: {} },
    ]) {
      expect(mergePatch(before, patchBetween(before, after as JsonObject))).toEqual(after);
    }
    expect(patchBetween(before, { a: 1, b: { c: 3, d: [1] }, e: {} })).toEqual({ b: { c: 3 } });
  });

  it('are recognised as already made, whatever the order of keys', () => {
    expect(isPatched({ b: { y: 1, x: 2 }, a: 1 }, { a: 1, b: { x: 2, y: 1 } })).toBe(true);
    expect(isPatched({ a: 1 }, { z: null })).toBe(true);
    expect(isPatched({ a: 1 }, { a: null })).toBe(false);
    expect(isPatched({ a: 1 }, { a: '1' })).toBe(false);
  });

  it('are shown as they are', () => {
    expect(describePatch({ a: 1, b: { c: true } }, { a: 2, b: { c: null }, d: 'x' })).toEqual([
      'set a to 2 (is 1)',
      'unset b.c (is true)',
      'set d to "x" (is not set)',
    ]);
  });

  it.each<{ patch: JsonObject; instead: string | undefined }>([
    { patch: { check_timeline: true }, instead: undefined },
    { patch: { postgresql: { parameters: { work_mem: '1MB' } } }, instead: undefined },
    { patch: { ttl: 40 }, instead: 'change patroni.ttl in the inventory' },
    { patch: { failsafe_mode: null }, instead: 'change patroni.dynamic.failsafe_mode in the inventory' },
    {
      patch: { postgresql: { parameters: { max_connections: 9 } } },
      instead: 'change postgresql.parameters.max_connections in the inventory',
    },
    { patch: { postgresql: null }, instead: 'change patroni.dynamic.postgresql in the inventory' },
    { patch: { pause: true }, instead: 'leave it as it is: it is Patroni’s maintenance mode' },
    { patch: { pgprov: { set: [] } }, instead: 'leave it as it is: pgprov keeps there' },
  ])('may concern keys of the inventory: $patch', ({ patch, instead }) => {
    const [owned] = ownedSettings(inventory, patch);
    if (instead === undefined) expect(owned).toBeUndefined();
    else expect(owned?.instead).toContain(instead);
  });
});
