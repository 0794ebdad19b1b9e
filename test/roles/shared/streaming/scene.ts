import { View } from '../../../../src/plan/view.js';
import type { Inventory } from '../../../../src/model/index.js';
import { DATA_DIRECTORY, type DataDirectoryState } from '../../../../src/resources/data-directory.js';
import { HOST_FACTS } from '../../../../src/resources/host-facts.js';
import { STANDBY_COPY } from '../../../../src/resources/streaming/standby-copy.js';
import { STREAMING_SERVER, type StreamingWords } from '../../../../src/resources/streaming/server.js';
import { inventoryOf } from '../../../support/inventory.js';

/** A host as a test has it. */
export interface Scene {
  /** `absent`: no data; otherwise what differs of a database that runs. */
  data?: 'absent' | Partial<Extract<DataDirectoryState, { kind: 'cluster' }>>;
  signal?: boolean;
  /** What its server says; undefined: it is down. */
  says?: Partial<StreamingWords>;
  joining?: boolean;
}

const YAML = `cluster: demo
roles: [base, pgdg, postgresql, replication]
hosts:
  pg1: {address: 192.0.2.1, cluster_address: 10.0.0.1}
  pg2: {address: 192.0.2.2, cluster_address: 10.0.0.2}
  pg3: {address: 192.0.2.3, cluster_address: 10.0.0.3}
`;

/** Three servers that stream, with more of an inventory. */
export function streaming(more = ''): Promise<Inventory> {
  return inventoryOf(`${YAML}${more}`);
}

/** A server that runs as the primary. */
export const primary = (says: Partial<StreamingWords> = {}): Scene => ({ says: { standby: false, ...says } });

/** A standby that streams. */
export const standby = (says: Partial<StreamingWords> = {}): Scene => ({ signal: true, says: { standby: true, receives: true, ...says } });

/** What was seen of the hosts of a scene; others were not asked. */
export function statesOf(scene: Readonly<Record<string, Scene>>): ReadonlyMap<string, ReadonlyMap<string, unknown>> {
  return new Map(
    Object.entries(scene).map(([name, { data = {}, signal = false, says, joining = false }]) => [
      name,
      new Map<string, unknown>([
        [HOST_FACTS.id, { os: 'debian', version: '13', memory: 8 * 1024 ** 3 }],
        [
          DATA_DIRECTORY.id,
          data === 'absent'
            ? { kind: 'absent' }
            : {
                kind: 'cluster',
                version: '17',
                systemIdentifier: '7100',
                checksums: 1,
                copy: 'none',
                ours: true,
                control: 'valid',
                running: says !== undefined,
                ...data,
              },
        ],
        [STANDBY_COPY.id, { joining, copying: false, copied: data !== 'absent' }],
        [
          STREAMING_SERVER.id,
          {
            signal,
            says:
              says === undefined
                ? undefined
                : { timeline: 1, position: 5000, location: '0/1388', version: 170012, receives: false, sends: [], ...says },
          },
        ],
      ]),
    ]),
  );
}

/** The view of a scene. */
export function viewOf(inventory: Inventory, scene: Readonly<Record<string, Scene>>): View {
  return new View(inventory, statesOf(scene));
}
