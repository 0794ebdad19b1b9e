import { dataAccess, dataDirectoryOf, type Observation, type RoleContext } from '../../index.js';

/** Looks at the permissions of a member's data. */
export function askAccess({ host, platform }: RoleContext): readonly Observation[] {
  return [dataAccess({ path: dataDirectoryOf(host, platform), user: platform.patroni.user })];
}
