import { describe, expect, it } from 'vitest';
import { findServer } from '../../../src/cli/psql/find-server.js';
import type { Visited, Visits } from '../../../src/engine/visits.js';
import type { Host } from '../../../src/model/index.js';
import { STREAMING_SERVER } from '../../../src/resources/streaming/server.js';
import { primary, standby, statesOf, streaming, type Scene } from '../../roles/shared/streaming/scene.js';

const inventory = await streaming();

/** Hosts that answer as in a scene. */
function visitsOf(scene: Record<string, Scene>): Visits {
  const states = statesOf(scene);
  return {
    visit: async (host: Host): Promise<Visited> => {
      const seen = states.get(host.name)?.get(STREAMING_SERVER.id);
      const known = new Map<string, unknown>();
      const session = {
        host,
        states: known,
        run: async () => ({ byId: new Map([[`see:${STREAMING_SERVER.id}`, {}]]) }),
        seen: () => known.get(STREAMING_SERVER.id),
        close: async () => undefined,
      };
      const observation = { ...STREAMING_SERVER, probe: () => '', parse: () => seen };
      return { session, work: { observations: [observation], stages: [] } } as unknown as Visited;
    },
  } as unknown as Visits;
}

const found = async (scene: Record<string, Scene>, role: 'leader' | 'replica'): Promise<string> =>
  (await findServer(inventory, visitsOf(scene), { role })).session.host.name;

describe('the server that psql connects to, without Patroni', () => {
  it('is the one that takes writes, whichever the inventory names', async () => {
    expect(await found({ pg1: standby(), pg2: primary(), pg3: standby() }, 'leader')).toBe('pg2');
  });

  it('is a standby that streams', async () => {
    expect(await found({ pg1: primary(), pg2: standby({ receives: false }), pg3: standby() }, 'replica')).toBe('pg3');
  });

  it('is reported missing where none is', async () => {
    await expect(found({ pg1: standby(), pg2: standby(), pg3: {} }, 'leader')).rejects.toThrow('demo has no leader now');
  });
});
