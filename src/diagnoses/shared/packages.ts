import { packageTrouble, type Observation, type RoleContext } from '../../index.js';
import { variablesIfAny } from '../../../roles/shared/variables.js';
import { serviceLayouts } from './layouts.js';

/** Names of the packages that the cluster's services come from, on a host of this system. */
export function clusterPackages({ host, platform }: Pick<RoleContext, 'host' | 'platform'>): string[] {
  const version = variablesIfAny(host, 'postgresql')?.version;
  return [
    ...(version === undefined ? [] : platform.postgresql(version).serverPackages),
    ...serviceLayouts(platform).flatMap(({ packages }) => packages),
  ];
}

/** What is out of order with packages on a host. */
export function packagesAsked(context: RoleContext): Observation {
  return packageTrouble(context.platform.packageManager, clusterPackages(context));
}
