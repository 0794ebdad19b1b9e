import {
  ownershipTrouble,
  controlTrouble,
  DATA_OWNERSHIP,
  dataOwned,
  dataDirectoryOf,
  enumerate,
  type OperationStep,
} from '../../index.js';
import { variables } from '../../../roles/shared/variables.js';
import { dataOf, identifierOf, type RecoverRun } from './recover-seen.js';

/** Members that cannot be brought back with the data that they have, and why, as a clause that follows the name. */
export function leftMembers({ view }: RecoverRun): { host: string; why: string }[] {
  const identifier = identifierOf(view);
  return dataOf(view).flatMap(({ host, data }) => {
    const trouble = controlTrouble(data);
    const version = String(variables(host, 'postgresql').version);
    if (trouble !== undefined) return [{ host: host.name, why: `has data that cannot be read (${trouble})` }];
    if (data.systemIdentifier !== identifier)
      return [{ host: host.name, why: `has data of another cluster (system identifier ${data.systemIdentifier})` }];
    return data.version === version
      ? []
      : [{ host: host.name, why: `has data of PostgreSQL ${data.version}, and the cluster’s is ${version}` }];
  });
}

/** Members whose data PostgreSQL's user cannot use are given it back. */
export function accessSteps(run: RecoverRun): OperationStep[] {
  const { view } = run;
  const troubled = view.hosts('patroni').flatMap(({ name }) => {
    const access = view.read(name, DATA_OWNERSHIP);
    const trouble = access === undefined ? undefined : ownershipTrouble(access);
    const isCluster = dataOf(view).some(({ host }) => host.name === name);
    return trouble === undefined || !isCluster ? [] : [{ name, trouble }];
  });
  if (troubled.length === 0) return [];
  return [
    {
      id: 'data-access',
      title: `give PostgreSQL its data back on ${enumerate(troubled.map(({ name }) => name))}`,
      effect: troubled.map(({ name, trouble }) => `${name}: ${trouble}`).join('; '),
      on: troubled.map(({ name }) => name),
      resources: (context) => {
        const { user, group } = context.platform.patroni;
        return [dataOwned({ path: dataDirectoryOf(context.host, context.platform), user, group })];
      },
    },
  ];
}
