import {
  localServer,
  SERVER_HEALTH,
  serverHealth,
  type Examination,
  type Observation,
  type RoleContext,
  type ServerHealth,
} from '../../index.js';
import { variables } from '../../../roles/shared/variables.js';
import { leaderOf } from './leading.js';

/** Asks a host's server for its statistics. */
export function askHealth({ host, platform }: RoleContext): readonly Observation[] {
  return [serverHealth(localServer(host, platform), variables(host, 'postgresql').version)];
}

/** What the servers that answered said. */
export function healthOf({ view }: Examination): { host: string; health: ServerHealth }[] {
  return view.hosts('postgresql').flatMap(({ name: host }) => {
    const health = view.read(host, SERVER_HEALTH);
    return health === undefined ? [] : [{ host, health }];
  });
}

/** The server that writes: of a cluster the leader's. */
export function primaryOf(examination: Examination): { host: string; health: ServerHealth } | undefined {
  const primaries = healthOf(examination).filter(({ health }) => !health.standby);
  const leader = primaries.length > 1 ? leaderOf(examination) : undefined;
  return primaries.find(({ host }) => host === leader) ?? primaries[0];
}
