import { describe, expect, it } from 'vitest';
import { statusOf } from '../../src/cli/status-of.js';
import { CATALOG } from '../../roles/index.js';
import { renderStatus } from '../../src/report/status-text.js';
import type { ClusterStatus } from '../../src/lib/cluster-status.js';
import { View } from '../../src/plan/view.js';
import { SERVER_HELD } from '../../src/resources/streaming/server-started.js';
import { primary, standby, statesOf, streaming, viewOf, type Scene } from '../roles/shared/streaming/scene.js';
import { inventoryOf } from '../support/inventory.js';

const inventory = await streaming();
const SENDS = ['pg2', 'pg3'].map((name) => ({ name, state: 'streaming' }));
const status = (scene: Record<string, Scene>): ClusterStatus => statusOf(inventory, CATALOG, viewOf(inventory, scene), []);
const problems = (scene: Record<string, Scene>): string[] =>
  status(scene).members.flatMap(({ name, problem }) => (problem === undefined ? [] : [`${name}: ${problem}`]));

describe('the status of servers that stream without Patroni', () => {
  it('is that of a primary and its standbys, with how far they are behind', () => {
    const seen = status({ pg1: primary({ sends: SENDS }), pg2: standby({ position: 4000, replayed: 3000 }), pg3: standby() });
    expect([seen.topology, seen.leader]).toEqual(['streaming', 'pg1']);
    expect(seen.members.map(({ name, role, state, lagBytes, replayLagBytes }) => [name, role, state, lagBytes, replayLagBytes])).toEqual([
      ['pg1', 'primary', 'running', undefined, undefined],
      ['pg2', 'standby', 'streaming', 1000, 2000],
      ['pg3', 'standby', 'streaming', 0, undefined],
    ]);
    const text = renderStatus(seen, { color: false });
    expect(text).toContain('cluster demo  streaming replication without Patroni, primary pg1');
    expect(text).toContain('healthy');
    expect(text).not.toContain('scope');
  });

  it('names what is wrong with a server', () => {
    expect(problems({ pg1: primary({ sends: SENDS }), pg2: primary({ timeline: 2 }), pg3: standby() })).toEqual([
      'pg1: is a primary beside another one',
      'pg2: is a primary beside another one',
    ]);
    expect(
      problems({ pg1: { ...primary({ sends: SENDS }), signal: true }, pg2: { ...standby(), signal: false }, pg3: { signal: true } }),
    ).toEqual([
      'pg1: is the primary and has a standby.signal: its next start would make it a standby',
      'pg2: is a standby and has no standby.signal: its next start would make it a second primary',
      'pg3: PostgreSQL does not answer',
    ]);
    expect(problems({ pg1: primary(), pg2: standby({ paused: true }), pg3: { data: 'absent', joining: true } })).toEqual([
      expect.stringContaining('pg2: does not stream from pg1; replay of the WAL is paused') as string,
      expect.stringMatching(/pg3: it was begun to be made a standby, which is not finished; `pgprov apply .*` goes on with it/u) as string,
    ]);
  });

  it('names the server that a standby of a standby does not stream from', async () => {
    const cascaded = await inventoryOf(`cluster: demo
roles: [base, pgdg, postgresql, replication]
hosts: {pg1: 10.0.0.1, pg2: 10.0.0.2, pg3: {address: 10.0.0.3, replication: {upstream: pg2}}}
`);
    const scene = { pg1: primary(), pg2: { signal: true }, pg3: standby({ receives: false }) };
    const { members } = statusOf(cascaded, CATALOG, viewOf(cascaded, scene), []);
    expect(members.at(-1)).toMatchObject({ name: 'pg3', problem: 'does not stream from pg2' });
  });

  it('says how one is started that was stopped with pgprov, where that is what it takes', () => {
    const history = { timeline: 2, forks: ['1 0/1388 no recovery target specified'] };
    const told = (pg2: Scene): string[] => {
      const states = statesOf({
        pg1: { ...primary({ timeline: 2, sends: SENDS }), data: { history } },
        pg2,
        pg3: standby({ timeline: 2 }),
      });
      const own = new Map([...(states.get('pg2') ?? []), [SERVER_HELD.id, true]]);
      const seen = statusOf(inventory, CATALOG, new View(inventory, new Map([...states, ['pg2', own]])), []);
      return seen.members.flatMap(({ problem }) => problem ?? []);
    };
    const at = (lastRecord: string): Pick<Required<Scene>, 'data'> => ({
      data: { position: { timeline: 1, checkpoint: lastRecord, nextOid: 24576, lastRecord, atRest: true } },
    });
    expect(told({ signal: true, ...at('0/1300') })).toEqual([
      expect.stringMatching(/^it was stopped with pgprov; `pgprov start .*--host pg2` starts it$/u),
    ]);
    expect(told({ signal: true, ...at('0/1400') })).toEqual(['it was stopped with pgprov, and has parted from pg1']);
    expect(told(at('0/1300'))).toEqual([
      expect.stringMatching(
        /^it was stopped with pgprov, and would start as a second primary beside pg1; `pgprov doctor .*` says what to do$/u,
      ),
    ]);
  });

  it('has no primary where none takes writes, and an unknown one where a host was not asked', () => {
    expect(renderStatus(status({ pg1: {}, pg2: standby(), pg3: standby() }), { color: false })).toContain('no server is the primary');
    expect(status({ pg2: standby(), pg3: standby() }).leaderUnknown).toBe(true);
  });
});
