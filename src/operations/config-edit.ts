import { isDeepStrictEqual } from 'node:util';
import {
  DATA_DIRECTORY,
  DCS,
  defineOperation,
  dynamicConfigWritten,
  enumerate,
  groupBy,
  isPatched,
  leafPaths,
  PATRONI_TAKEN,
  SERVER_SETTINGS,
  takenGate,
  pgprov,
  valueAt,
  type CheckResult,
  type ConfigPath,
  type Json,
  type JsonObject,
  type OperationObjection,
  type OperationRun,
  type OperationStep,
  type RoleContext,
} from '../index.js';
import { guardParameters } from '../../roles/shared/asked.js';
import { dcsOf } from '../../roles/shared/dcs-of.js';
import { settingsInForceGate } from '../../roles/shared/in-force.js';
import { dataDirectoryOf, restApiUrl } from '../../roles/shared/layout.js';
import { wakeOwn } from '../../roles/shared/patroni/config-file.js';
import { variables } from '../../roles/shared/variables.js';
import { describePatch, typedPatch } from './shared/config-changes.js';
import { dynamicOf, leaderOf, names } from './shared/members.js';
import { untilUp } from './shared/passing.js';

/**
 * The command reads the changes, and gives the operation an inventory that has them: so they are checked as the inventory is, and each
 * server is asked whether it takes them.
 */
interface EditOptions {
  /** A JSON merge patch, as text. */
  changes?: string;
  /** What these settings were when a person looked at them, as the text of a JSON list of paths and values; null: not set. */
  read?: string;
}

type Run = OperationRun<EditOptions>;

export default defineOperation<EditOptions>({
  name: 'config edit',
  description: 'change settings of Patroni’s dynamic configuration that the inventory does not give; asks the servers first',
  options: {
    changes: { type: 'string', value: 'json', description: 'what is changed, as a JSON merge patch' },
    read: { type: 'string', value: 'json', description: 'what was there when the changes were made, as JSON' },
  },
  typed: ({ changes = '{}' }) => typedPatch(JSON.parse(changes) as JsonObject),
  roles: ({ inventory }) => [dcsOf(inventory).role, 'patroni'],
  requiresConverged: false,
  guards: (run) => objections(run),
  remaining: (run) => ({ steps: [...writing(run), ...taking(run)] }),
  question: ({ inventory: { cluster } }) => `Change the dynamic configuration of ${cluster}?`,
  nothing: () => 'The dynamic configuration has these settings already, and all members use them.',
  checks: (run) => proofs(run),
  finished: (run) => {
    const waiting = restarting(run);
    return waiting.length === 0
      ? 'all members use the settings'
      : `all members have the settings; ${waiting.join(', ')} ${waiting.length === 1 ? 'takes' : 'take'} a restart of PostgreSQL to be in force`;
  },
});

function patchOf({ options: { changes = '{}' } }: Run): JsonObject {
  return JSON.parse(changes) as JsonObject;
}

function currentOf({ view }: Run): JsonObject {
  return dynamicOf(view) as JsonObject;
}

/** Settings that others have changed since a person looked at them: who edits 7MB does not mean the 11MB that is there now. */
function changedSince(run: Run): OperationObjection[] {
  const [current, patch] = [currentOf(run), patchOf(run)];
  const read = JSON.parse(run.options.read ?? '[]') as [ConfigPath, Json][];
  const told = (value: Json | undefined): string => (value === undefined || value === null ? 'not set' : JSON.stringify(value));
  const changed = read.flatMap(([path, was]) => {
    const now = valueAt(current, path) ?? null;
    if (isDeepStrictEqual(now, was) || isDeepStrictEqual(now, valueAt(patch, path))) return [];
    return [`${path.join('.')} was ${told(was)} and is ${told(now)} now`];
  });
  if (changed.length === 0) return [];
  return [
    {
      kind: 'refuse',
      message: `somebody else has changed the configuration while it was edited: ${changed.join(', ')}`,
      hint: 'nothing was changed; give the command again to edit what is there now, after --give-up where an earlier edit was cut off',
    },
  ];
}

/** Hosts that see the configuration in the store, and so can write it. */
function writers({ view }: Run): string[] {
  return view
    .hosts('patroni')
    .map(({ name }) => name)
    .filter((name) => {
      const store = view.read(name, DCS);
      return store?.reachable === true && store.config !== undefined;
    });
}

function objections(run: Run): OperationObjection[] {
  const { view, inventory } = run;
  if (writers(run).length === 0) {
    return untilUp(
      view,
      [],
      [
        {
          kind: 'refuse',
          message: `no host sees a dynamic configuration of ${inventory.cluster} in ${dcsOf(inventory).name}`,
          hint: `nothing was changed; see ${pgprov`status ${inventory}`}`,
        },
      ],
    );
  }
  // Once it is written, what a server has to say comes with the proofs.
  if (isPatched(currentOf(run), patchOf(run))) return [];
  const changed = changedSince(run);
  if (changed.length > 0) return changed;
  if (isDownEverywhere(run)) {
    return [
      {
        kind: 'refuse',
        message: `PostgreSQL is down on all members of ${inventory.cluster}: with other settings the first one that starts would lead, with or without the last commits`,
        hint: `nothing was changed; ${pgprov`recover ${inventory}`} corrects what keeps it down, and starts the member with the last commits first`,
      },
    ];
  }
  const found = view
    .hosts('patroni')
    .flatMap((host) =>
      guardParameters(view, host).map(({ message, hint }) => ({ host: host.name, message: message.replace(`${host.name}: `, ''), hint })),
    );
  const all = view.hosts('patroni').length;
  // Servers of one version say the same.
  return [...groupBy(found, ({ message }) => message)].map(([message, same]): OperationObjection => {
    const where = same.length === all ? '' : `${enumerate(same.map(({ host }) => host))}: `;
    return { kind: 'input', error: 'config/not-taken', message: `${where}${message}`, hint: `nothing was changed; ${same[0]?.hint}` };
  });
}

/** Nobody leads, and no server runs where data is, as far as that was seen. */
function isDownEverywhere({ view }: Run): boolean {
  const data = view.hosts('patroni').map(({ name }) => view.read(name, DATA_DIRECTORY));
  const there = data.filter((each) => each?.kind === 'cluster');
  return leaderOf(view) === undefined && there.length > 0 && there.every(({ running }) => !running);
}

function writing(run: Run): OperationStep[] {
  const [current, patch] = [currentOf(run), patchOf(run)];
  const [host] = writers(run);
  if (host === undefined || isPatched(current, patch)) return [];
  const title = `${describePatch(current, patch).join(', ')} in the dynamic configuration`;
  const waiting = restarting(run);
  return [
    {
      id: 'write',
      title,
      ...(waiting.length === 0
        ? {}
        : { effect: `${waiting.join(', ')} ${waiting.length === 1 ? 'takes' : 'take'} a restart of PostgreSQL, which stays pending` }),
      on: [host],
      resources: (context) => [
        dynamicConfigWritten({ keys: dcsOf(context.inventory).keys(context), patch, shown: current, summary: title }),
      ],
    },
  ];
}

/** Parameters of the changes that PostgreSQL has in force only after a restart. */
function restarting(run: Run): string[] {
  const wanted = new Set(parametersOf(patchOf(run)).map((name) => name.toLowerCase()));
  const found = run.view.hosts('patroni').flatMap(({ name: host }) => {
    const state = run.view.read(host, SERVER_SETTINGS);
    if (state?.answers !== true) return [];
    return state.settings.filter(({ name, restart, taken }) => restart && !taken && wanted.has(name.toLowerCase())).map(({ name }) => name);
  });
  return [...new Set(found)];
}

function parametersOf(patch: JsonObject): string[] {
  return leafPaths(patch).flatMap(([first, second, ...rest]) =>
    first === 'postgresql' && second === 'parameters' ? [rest.join('.')] : [],
  );
}

/** Members whose Patroni does not use the settings yet. */
function behind(run: Run): ReturnType<Run['view']['hosts']> {
  const patch = patchOf(run);
  return run.view.hosts('patroni').filter(({ name }) => {
    const taken = run.view.read(name, PATRONI_TAKEN);
    return taken !== undefined && !isPatched(taken, patch);
  });
}

function taking(run: Run): OperationStep[] {
  const { view, done } = run;
  const isWritten = isPatched(currentOf(run), patchOf(run));
  const waiting = isWritten ? behind(run) : view.hosts('patroni');
  if (done.has('take') || (waiting.length === 0 && !done.has('write'))) return [];
  const all = waiting.length === 0 ? view.hosts('patroni') : waiting;
  return [
    {
      id: 'take',
      title: `wait until ${names(all)} ${all.length === 1 ? 'uses' : 'use'} it`,
      on: all.map(({ name }) => name),
      gates: (context) => [takes(context, patchOf(run)), settingsInForceGate(context)],
    },
  ];
}

function takes(context: RoleContext, patch: JsonObject): ReturnType<typeof takenGate> {
  const { host, platform } = context;
  return takenGate({
    member: host.name,
    unit: platform.patroni.unit,
    url: restApiUrl(host),
    data: dataDirectoryOf(host, platform),
    missing: (taken) => (taken === undefined || isPatched(taken, patch) ? [] : leafPaths(patch).map((path) => path.join('.'))),
    patience: variables(host, 'patroni').loop_wait + 20,
    nudge: wakeOwn(context),
  });
}

function proofs(run: Run): CheckResult[] {
  const patch = patchOf(run);
  const late = new Set(behind(run).map(({ name }) => name));
  const wanted = new Set(parametersOf(patch).map((name) => name.toLowerCase()));
  return [
    { title: 'the dynamic configuration has the settings', ok: isPatched(currentOf(run), patch), detail: describeNow(run) },
    ...run.view.hosts('patroni').flatMap(({ name: host }): CheckResult[] => {
      const state = run.view.read(host, SERVER_SETTINGS);
      const wrong =
        state?.answers === true ? state.settings.filter((each) => wanted.has(each.name.toLowerCase()) && !each.taken && !each.restart) : [];
      return [
        {
          host,
          title: 'Patroni uses the settings',
          ok: !late.has(host),
          detail: late.has(host) ? 'it uses the former ones; its journal says why' : 'it does',
        },
        ...wrong.map(({ name, value }) => ({ host, title: `PostgreSQL uses ${name}`, ok: false, detail: `it is ${value}` })),
      ];
    }),
  ];
}

function describeNow(run: Run): string {
  const current = currentOf(run);
  return leafPaths(patchOf(run))
    .map((path) => path.join('.'))
    .join(', ')
    .concat(isPatched(current, patchOf(run)) ? '' : ': somebody has changed them again');
}
