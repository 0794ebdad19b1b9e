import { stateOf, stuckConfig, takenGate, untakenSettings, type RoleContext, type Stage } from '../../../src/index.js';
import { dcsOf } from '../dcs-of.js';
import { dynamicConfiguration } from '../dynamic.js';
import { settingsInForceGate } from '../in-force.js';
import { accountsOf, dataDirectoryOf, hostsWith, restApiUrl, scopeOf } from '../layout.js';
import { variables } from '../variables.js';
import { wakeOwn } from './config-file.js';

/** What keeps members from working is corrected before anything waits for them. */
export function correct(context: RoleContext): Stage {
  return {
    name: 'correct',
    title: 'correct the dynamic configuration',
    crossing: 'independent',
    ...configuredByOne(context, 'stuck'),
  };
}

/** Dynamic configuration is one for the cluster, and any member of the run whose Patroni answers can carry it out, whoever leads. */
export function settle(context: RoleContext): Stage {
  return {
    name: 'settle',
    title: 'set the dynamic configuration',
    crossing: 'independent',
    ...configuredByOne(context, 'well'),
  };
}

function configuredByOne(context: RoleContext, when: 'stuck' | 'well'): Pick<Stage, 'byOne' | 'resources'> {
  const { host, inventory } = context;
  const { name: user, password } = accountsOf(context).restApi;
  const resource = stuckConfig(
    {
      url: restApiUrl(host),
      scope: scopeOf(inventory, host),
      user,
      password,
      desired: dynamicConfiguration(context),
      members: hostsWith(inventory, 'patroni').map((each) => ({ name: each.name, url: restApiUrl(each) })),
      keys: dcsOf(inventory).keys(context),
    },
    when,
  );
  return {
    byOne: (states) => stateOf(states, resource)?.rest.answers === true,
    resources: [resource],
  };
}

/** Every member takes up what one of them set, so all are waited for. */
export function inForce(context: RoleContext): Stage {
  const { host, platform } = context;
  return {
    name: 'in-force',
    title: 'wait until Patroni and PostgreSQL use their settings',
    crossing: 'rolling',
    resources: [],
    gates: [
      takenGate({
        member: host.name,
        unit: platform.patroni.unit,
        url: restApiUrl(host),
        data: dataDirectoryOf(host, platform),
        missing: (taken) => untakenSettings(taken, dynamicConfiguration(context)).map((path) => path.join('.')),
        patience: variables(host, 'patroni').loop_wait + 20,
        nudge: wakeOwn(context),
      }),
      settingsInForceGate(context),
    ],
  };
}
