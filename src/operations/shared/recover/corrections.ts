import {
  dynamicConfigWritten,
  enumerate,
  firstConfiguration,
  joinScripts,
  patroniSilent,
  readConfig,
  scopeIdentity,
  settingsReset,
  type JsonObject,
  type OperationStep,
  type Resource,
  type RoleContext,
  type Script,
  NOTHING,
  dataDirectoryOf,
} from '../../../index.js';
import { dcsOf } from '../../../../roles/shared/dcs-of.js';
import { dynamicConfiguration } from '../../../../roles/shared/dynamic.js';
import { hostsWith, restApiUrl, scopePrefix } from '../../../../roles/shared/layout.js';
import { configFile } from '../../../../roles/shared/patroni/config-file.js';
import { storeOf } from '../members.js';
import { newestScope } from './copies.js';
import { restoredScope } from './scope.js';
import { accessSteps } from './members.js';
import { firstOf, identifierOf, usableData, usedConfig, workingLeader, type RecoverRun } from './seen.js';
import { positionStep } from './position.js';
import { storeIsLost } from './store.js';
import { correctionWords, faultWords, settingFaults, spoiltFiles, storePatch } from './settings.js';
import { taggedFiles, taggedWords } from './tags.js';

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
  const restored = noMark && noConfig ? restoredScope(run) : undefined;
  const [host] = view.hosts('patroni');
  const prefix = host === undefined ? '' : scopePrefix(inventory, host);
  const isOne = noConfig && from.words === restored?.from.words;
  const names = [...(isOne ? ['config'] : []), ...(restored?.keys.keys() ?? [])];
  const parts = [
    ...(restored === undefined || names.length === 0 ? [] : [`${enumerate(names)} below ${prefix}, from ${restored.from.words}`]),
    ...(noConfig && !isOne ? [`${prefix}config, from ${from.words}`] : []),
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
      effect: ['Patroni takes the data that is there for the cluster’s own, and makes no new one', ...(restored?.notes ?? [])].join('; '),
      on: [writer(run)],
      resources: (context) => [
        scopeIdentity({
          keys: dcsOf(inventory).keys(context),
          identifier,
          config: from.config ?? firstConfiguration(dynamicConfiguration(context)),
          from: from.words,
          ...(restored === undefined ? {} : { more: restored.keys }),
          unless: quiet(run),
        }),
      ],
    },
  ];
}

/**
 * What the store's own data has, else what the member with the last commits used last, else what the newest snapshot has, or another member used,
 * else what the inventory gives.
 */
function configSource(run: RecoverRun): { config: JsonObject | undefined; words: string } {
  const { view, inventory } = run;
  const scope = newestScope(run);
  const stored = readConfig(scope?.keys.get('config'));
  if (scope?.isSnapshot === false && stored !== undefined) return { config: stored, words: scope.words };
  const used = (name: string): { config: JsonObject; words: string }[] => {
    const config = usedConfig(view, name);
    return config === undefined ? [] : [{ config, words: `patroni.dynamic.json of ${name}` }];
  };
  const first = firstOf(view);
  const [known] = [
    ...(first === undefined ? [] : used(first)),
    ...(stored === undefined || scope === undefined ? [] : [{ config: stored, words: scope.words }]),
    ...usableData(view).flatMap(({ host }) => used(host.name)),
  ];
  return known ?? { config: undefined, words: inventory.file };
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

/** A patroni.yml that somebody has edited so that no server or no leader comes up, or that Patroni cannot read, becomes the inventory's again; what ALTER SYSTEM has set is taken out of its file. */
function fileSteps(run: RecoverRun): OperationStep[] {
  const faults = settingFaults(run);
  const local = faults.filter(({ place }) => place === 'patroni.yml');
  const system = faults.filter(({ place }) => place === 'postgresql.auto.conf');
  const hostsOf = (of: typeof faults): string[] => [...new Set(of.flatMap(({ hosts }) => hosts))];
  const spoilt = spoiltFiles(run);
  const tagged = taggedFiles(run);
  const toWrite = [...new Set([...hostsOf(local), ...spoilt, ...tagged])];
  const corrected = [
    ...local.map(correctionWords),
    ...(spoilt.length === 0 ? [] : [`there is none on ${enumerate(spoilt)} that Patroni could start with`]),
    ...(tagged.length === 0 ? [] : [taggedWords(run, tagged)]),
  ];
  return [
    ...(toWrite.length === 0
      ? []
      : [
          {
            id: 'correct-file',
            title: `write patroni.yml on ${enumerate(toWrite)} as the inventory has it: ${corrected.join('; ')}`,
            ...(local.length === 0 ? {} : { effect: local.map(faultWords).join('; ') }),
            on: toWrite,
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
