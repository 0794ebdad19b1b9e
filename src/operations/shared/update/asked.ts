import { packageOffers, packagesFetched, type Observation, type OperationStart, type RoleContext } from '../../../index.js';
import { programPackages } from '../../../../roles/shared/programs.js';
import { rolesOn, type UpdateOptions } from './options.js';

/** What a host is asked about packages; the repositories only before anything was chosen. */
export function packageAsks(context: RoleContext, { options }: Pick<OperationStart<UpdateOptions>, 'options'>): Observation[] {
  const { host, inventory, platform } = context;
  const roles = rolesOn({ options, inventory }, host);
  if (roles.length === 0) return [];
  const packages = [...new Set(roles.flatMap((role) => programPackages(context, role)))];
  return [packagesFetched(), ...(options.targets === undefined ? [packageOffers(platform.packageManager, packages)] : [])];
}
