import type { RoleContext } from '../../src/index.js';
import { variables } from './variables.js';

/** The .pgpass of the postgres user. */
export function passwordFile({ host, platform }: Pick<RoleContext, 'host' | 'platform'>): string {
  return `${platform.postgresql(variables(host, 'postgresql').version).home}/.pgpass`;
}
