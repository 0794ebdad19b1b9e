import { randomBytes, randomUUID } from 'node:crypto';
import type { RoleContext, Secret } from '../../../src/index.js';

/** Names under which the store keeps what Consul's agents and clients know each other by. */
const PATHS = {
  gossip: 'consul.gossip_key',
  management: 'consul.management_token',
  agent: 'consul.agent_token',
  patroni: 'consul.patroni_token',
} as const;

/** The store's name of the token that may do everything. */
export const MANAGEMENT_TOKEN = PATHS.management;

/** Bytes of the key that gossip is encrypted with: AES-256. */
const GOSSIP_BYTES = 32;

/** What Consul's agents and clients know each other by; made when they are asked for first, and kept. */
export interface ConsulSecrets {
  /** 32 bytes in base64. */
  readonly gossip: Secret;
  /** UUIDs. */
  readonly management: Secret;
  readonly agent: Secret;
  readonly patroni: Secret;
}

/** The cluster's secrets of Consul. */
export function consulSecrets({ credentials }: Pick<RoleContext, 'credentials'>): ConsulSecrets {
  const uuid = (path: string): Secret => credentials.password(path, undefined, randomUUID);
  return {
    get gossip() {
      return credentials.password(PATHS.gossip, undefined, () => randomBytes(GOSSIP_BYTES).toString('base64'));
    },
    get management() {
      return uuid(PATHS.management);
    },
    get agent() {
      return uuid(PATHS.agent);
    },
    get patroni() {
      return uuid(PATHS.patroni);
    },
  };
}
