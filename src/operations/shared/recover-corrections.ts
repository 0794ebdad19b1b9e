import {
  dynamicConfigWritten,
  enumerate,
  firstConfiguration,
  joinScripts,
  patroniSilent,
  scopeIdentity,
  settingsReset,
  type JsonObject,
  type OperationStep,
  type Resource,
  type RoleContext,
  type Script,
  NOTHING,
  dataDirectoryOf,
} from '../../index.js';
import { dcsOf } from '../../../roles/shared/dcs-of.js';
import { dynamicConfiguration } from '../../../roles/shared/dynamic.js';
import { hostsWith, restApiUrl, scopePrefix } from '../../../roles/shared/layout.js';
import { configFile } from '../../../roles/shared/patroni/config-file.js';
import { storeOf } from './members.js';
import { accessSteps } from './recover-members.js';
import { firstOf, identifierOf, usableData, usedConfig, workingLeader, type RecoverRun } from './recover-seen.js';
import { positionStep } from './recover-position.js';
import { storeIsLost } from './recover-store.js';
import { correctionWords, faultWords, settingFaults, storePatch } from './recover-settings.js';

/** What is put right while no server runs: the scope's identity, settings that PostgreSQL does not start with, and who owns the data. */
export function correctionSteps(run: RecoverRun): OperationStep[] {
  return [...identityStep(run), ...storeStep(run), ...fileSteps(run), ...accessSteps(run), ...positionStep(run, quiet(run))];
}

/** Right before Patroni's store is written nobody may read it, unless somebody leads, who keeps the others from it. */
function quiet({ view, inventory }: RecoverRun): Script {
  return workingLeader(view) === undefined ? patroniSilent(hostsWith(inventory, 'patroni').map(restApiUrl)) : NOTHING;
}

/** A host that Patroni's store can be written from. */
function writer({ view }: RecoverRun): string {
  return firstOf(view) ?? view.hosts('patroni')[0]?.name ?? '';
}

function identityStep(run: RecoverRun): OperationStep[] {
  const { view, inventory } = run;
  const store = storeOf(view);
  const identifier = identifierOf(view);
  if ((store === undefined && !storeIsLost(run)) || identifier === undefined || workingLeader(view) !== undefined) return [];
  const [noMark, noConfig] = [(store?.initialize ?? '') === '', store?.config === undefined];
  if (!noMark && !noConfig) return [];
  const from = configSource(run);
  const [host] = view.hosts('patroni');
  const prefix = host === undefined ? '' : scopePrefix(inventory, host);
  const parts = [
    ...(noConfig ? [`${prefix}config, from ${from.words}`] : []),
    ...(noMark
      ? [
          `${prefix}initialize, which is the system identifier ${identifier} of the data on ${enumerate(usableData(view).map((each) => each.host.name))}`,
        ]
      : []),
  ];
  return [
    {
      id: 'identity',
      title: `put back into ${dcsOf(inventory).name}: ${parts.join('; and ')}`,
      effect: 'Patroni takes the data that is there for the cluster’s own, and makes no new one',
      on: [writer(run)],
      resources: (context) => [
        scopeIdentity({
          keys: dcsOf(inventory).keys(context),
          identifier,
          config: from.config ?? firstConfiguration(dynamicConfiguration(context)),
          from: from.words,
          unless: quiet(run),
        }),
      ],
    },
  ];
}

/** What the member with the last commits used last, else what another one did, else what the inventory gives. */
function configSource({ view, inventory }: RecoverRun): { config: JsonObject | undefined; words: string } {
  const first = firstOf(view);
  const members = [...(first === undefined ? [] : [first]), ...usableData(view).map(({ host }) => host.name)];
  const known = members.find((name) => usedConfig(view, name) !== undefined);
  if (known === undefined) return { config: undefined, words: inventory.file };
  return { config: usedConfig(view, known), words: `patroni.dynamic.json of ${known}` };
}

function storeStep(run: RecoverRun): OperationStep[] {
  const patch = storePatch(run);
  if (patch === undefined) return [];
  const faults = settingFaults(run).filter(({ place }) => place === 'store');
  const words = faults.map(correctionWords).join('; ');
  return [
    {
      id: 'correct',
      title: `correct the dynamic configuration in ${dcsOf(run.inventory).name}: ${words}`,
      effect: faults.map(faultWords).join('; '),
      on: [writer(run)],
      resources: (context) => [written(run, context, patch, words)],
    },
  ];
}

function written(run: RecoverRun, context: RoleContext, patch: JsonObject, summary: string): Resource {
  const resource = dynamicConfigWritten({ keys: dcsOf(run.inventory).keys(context), patch, summary });
  return {
    ...resource,
    apply: (changes, state) => joinScripts([quiet(run), resource.apply(changes, state)]),
  } as typeof resource as Resource;
}

/** A patroni.yml that somebody has edited becomes the inventory's again; what ALTER SYSTEM has set is taken out of its file. */
function fileSteps(run: RecoverRun): OperationStep[] {
  const faults = settingFaults(run);
  const local = faults.filter(({ place }) => place === 'patroni.yml');
  const system = faults.filter(({ place }) => place === 'postgresql.auto.conf');
  const hostsOf = (of: typeof faults): string[] => [...new Set(of.flatMap(({ hosts }) => hosts))];
  return [
    ...(local.length === 0
      ? []
      : [
          {
            id: 'correct-file',
            title: `write patroni.yml on ${enumerate(hostsOf(local))} as the inventory has it: ${local.map(correctionWords).join('; ')}`,
            effect: local.map(faultWords).join('; '),
            on: hostsOf(local),
            resources: (context: RoleContext) => [configFile(context)],
          },
        ]),
    ...(system.length === 0
      ? []
      : [
          {
            id: 'correct-system',
            title: `take ${enumerate(system.map(({ name }) => name))} out of postgresql.auto.conf on ${enumerate(hostsOf(system))}, where ALTER SYSTEM has put it`,
            effect: system.map(faultWords).join('; '),
            on: hostsOf(system),
            resources: (context: RoleContext) => [
              settingsReset({
                path: `${dataDirectoryOf(context.host, context.platform)}/postgresql.auto.conf`,
                names: system.filter(({ hosts }) => hosts.includes(context.host.name)).map(({ name }) => name),
              }),
            ],
          },
        ]),
  ];
}
