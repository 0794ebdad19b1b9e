import { readFile } from 'node:fs/promises';
import { parse, stringify } from 'yaml';
import { asPgprovError, ExitCode, InputError, RefusedError, type PgprovError } from '../../lib/errors.js';
import { yamlErrorWords } from '../../lib/yaml-words.js';
import type { Inventory } from '../../model/index.js';
import { desiredConfiguration, ownedSettings, patchBetween } from '../../operations/index.js';
import { renderError } from '../../report/error-text.js';
import {
  isJsonObject,
  leafPaths,
  RECORD_KEY,
  valueAt,
  type ConfigPath,
  type Json,
  type JsonObject,
} from '../../resources/dynamic-config.js';
import { readOperation } from '../../store/operation-record.js';
import { storeDirectory } from '../../store/store.js';
import { errorLook } from '../colors.js';
import { loadFor } from '../inventory.js';
import { operationNamed, runOperation, type OperateCommandOptions } from '../operations/operate.js';
import { clusterRun } from '../pipeline/cluster-run.js';
import { THIS_PROCESS, type Environment } from '../pipeline/environment.js';
import { Pipeline } from '../pipeline/pipeline.js';
import { tell } from '../pipeline/tell.js';
import { runEditor } from '../secrets/editor.js';
import { withPrivateFile } from '../secrets/private-copy.js';
import { goesTo, savedConfig, wayBack } from './back.js';
import { assertAssignments, inOwnWords } from './own-words.js';
import { assertPut, patchOf } from './told.js';
import { assertPatroni, noConfig, storedConfig } from './view-config.js';

/** Options of `pgprov config edit`. */
export interface EditOptions extends OperateCommandOptions {
  /** `KEY=VALUE` */
  put?: string[];
  remove?: string[];
  /** A snapshot. */
  backTo?: string;
}

const OPERATION = 'config edit';

/**
 * `pgprov config edit`: finds what is to be changed, in the editor or in the options, and has the operation change it. It gets an inventory that
 * has the changes, so they are checked as the inventory itself is, and every server is asked whether it takes them.
 */
export async function editConfig(file: string, options: EditOptions, environment = THIS_PROCESS): Promise<ExitCode> {
  const inventory = await loadFor(file, options);
  assertPatroni(inventory);
  const { put = [], remove = [], backTo, ...rest } = options;
  const begun = begunPatch((await readOperation(storeDirectory(inventory.dir, inventory.cluster), inventory.file))?.given['changes']);
  const isTold = put.length + remove.length > 0;
  if (isTold && backTo !== undefined) {
    throw new InputError({
      kind: 'config/contradiction',
      message: '--back-to gives back what a snapshot has, and --put and --remove something else',
      hint: 'go back first, then change it with a second command',
    });
  }
  if (rest.giveUp === true || (rest.resume === true && begun === undefined))
    return runOperation(operationNamed(OPERATION), file, rest, environment);
  const inEditor = backTo === undefined && !isTold && begun === undefined;
  const edited = inEditor ? await editedPatch(file, rest, inventory, environment) : undefined;
  const patch =
    backTo !== undefined
      ? await patchBack(file, rest, { backTo, begun }, inventory, environment)
      : isTold
        ? await toldPatch(file, rest, { put, remove, begun }, inventory, environment)
        : (begun ?? edited?.patch);
  if (patch === undefined || Object.keys(patch).length === 0) {
    environment.out.write(`The dynamic configuration of ${inventory.cluster} stays as it is.\n`);
    return ExitCode.done;
  }
  assertFree(inventory, patch);
  const read = edited === undefined ? {} : { read: JSON.stringify(readAt(edited.before, patch)) };
  return runOperation(operationNamed(OPERATION), file, { ...rest, ...withChanges(rest, patch), ...read }, environment);
}

/** What the settings of a patch were, by their paths; null: not set. */
function readAt(before: JsonObject, patch: JsonObject): [ConfigPath, Json][] {
  return leafPaths(patch).map((path) => [path, valueAt(before, path) ?? null]);
}

/** The changes of an edit that is not finished. */
function begunPatch(changes: unknown): JsonObject | undefined {
  return typeof changes === 'string' ? (JSON.parse(changes) as JsonObject) : undefined;
}

/** The options of a run whose inventory has the changes as well. */
function withChanges({ set = [] }: OperateCommandOptions, patch: JsonObject): { set: string[]; typedSet: string[]; changes: string } {
  const values = withoutNulls(patch);
  const more = Object.keys(values).length === 0 ? [] : [`patroni.dynamic=${JSON.stringify(values)}`];
  return { set: [...set, ...more], typedSet: set, changes: JSON.stringify(patch) };
}

function withoutNulls(patch: JsonObject): JsonObject {
  const entries = Object.entries(patch).flatMap(([key, value]): [string, Json][] => {
    if (value === null) return [];
    if (!isJsonObject(value)) return [[key, value]];
    const below = withoutNulls(value);
    return Object.keys(below).length === 0 && Object.keys(value).length > 0 ? [] : [[key, below]];
  });
  return Object.fromEntries(entries);
}

/** @throws RefusedError where the inventory, pgprov or a command of its own has a setting */
function assertFree(inventory: Inventory, patch: JsonObject): void {
  const owned = ownedSettings(inventory, patch);
  const [first] = owned;
  if (first === undefined) return;
  const names = owned.map(({ path }) => path.join('.')).join(', ');
  throw new RefusedError({
    kind: 'config/owned',
    message: `the next apply would undo a change of ${names}, so nothing is changed here`,
    hint: `nothing was changed; ${[...new Set(owned.map(({ instead }) => instead))].join('; ')}`,
  });
}

/** What `--put` and `--remove` say: keys are those of `--set`, below patroni.dynamic. */
async function toldPatch(
  file: string,
  options: OperateCommandOptions,
  { put, remove, begun }: { put: readonly string[]; remove: readonly string[]; begun: JsonObject | undefined },
  inventory: Inventory,
  environment: Environment,
): Promise<JsonObject> {
  const overrides = put.map((text) => `patroni.dynamic.${text}`);
  assertAssignments(put);
  const changed = await inOwnWords('--put', () => loadFor(file, { ...options, set: [...(options.set ?? []), ...overrides] }));
  const set = patchBetween(desiredConfiguration(inventory), desiredConfiguration(changed));
  assertPut(put, set, inventory);
  if (remove.length === 0) return set;
  return patchOf({ set, remove, begun, current: await currentConfig(file, options, inventory, environment) }, inventory);
}

/** What goes back to the configuration of a snapshot; says what of it stays as it is. */
async function patchBack(
  file: string,
  options: OperateCommandOptions,
  { backTo, begun }: { backTo: string; begun: JsonObject | undefined },
  inventory: Inventory,
  environment: Environment,
): Promise<JsonObject> {
  const saved = await savedConfig(backTo, inventory);
  if (begun !== undefined && goesTo(begun, saved)) return begun;
  const { patch, kept } = wayBack(inventory, await currentConfig(file, options, inventory, environment), saved);
  if (kept.length > 0) {
    const names = kept.map(({ path }) => path.join('.')).join(', ');
    const instead = [...new Set(kept.map((setting) => setting.instead))].join('; ');
    tell([{ type: 'warning', text: `not gone back to: ${names}; ${instead}` }], options.output, environment.out);
  }
  await inOwnWords(backTo, () => loadFor(file, { ...options, set: withChanges(options, patch).set }));
  return patch;
}

/** The dynamic configuration as it is now, without pgprov's record. */
async function currentConfig(
  file: string,
  options: OperateCommandOptions,
  inventory: Inventory,
  environment: Environment,
): Promise<JsonObject> {
  const pipeline = await Pipeline.open(file, { ...options, output: 'plain' }, environment);
  let found: JsonObject | undefined;
  let broken: PgprovError | undefined;
  await pipeline.carryOut({
    command: 'config edit',
    shows: 'answer',
    tells: ['warning'],
    hasTimings: true,
    go: clusterRun(pipeline, { selection: { roles: ['patroni'] }, mode: 'survey' }),
    answer: ({ exitCode, errors, view }) => {
      found = view === undefined ? undefined : storedConfig(view);
      [broken] = errors;
      return exitCode;
    },
  });
  if (found === undefined) throw broken ?? noConfig(inventory);
  const { [RECORD_KEY]: _record, ...current } = found;
  return current;
}

/** What a person changes in the editor, and what was there before; undefined: nothing. */
async function editedPatch(
  file: string,
  options: OperateCommandOptions,
  inventory: Inventory,
  environment: Environment,
): Promise<{ patch: JsonObject; before: JsonObject } | undefined> {
  const { VISUAL, EDITOR } = environment.variables;
  if (!environment.canAsk() && (VISUAL || EDITOR || '') === '') {
    throw new InputError({
      kind: 'config/no-terminal',
      message: 'there is no terminal for an editor',
      hint: 'say what to change with --put KEY=VALUE and --remove KEY',
    });
  }
  const before = await currentConfig(file, options, inventory, environment);
  const text = `${headOf(inventory)}${stringify(before)}`;
  return withPrivateFile('dynamic-configuration.yml', text, async (path, signal) => {
    for (;;) {
      await runEditor(path, signal, 'the configuration');
      try {
        const after = readConfig(await leftBy(path));
        const patch = patchBetween(before, after);
        assertFree(inventory, patch);
        // As the operation does before it connects, so that a mistake is mended in the editor.
        await inOwnWords('the configuration', () => loadFor(file, { ...options, set: withChanges(options, patch).set }));
        return { patch, before };
      } catch (error) {
        const known = asPgprovError(error);
        if (!environment.canAsk()) throw known;
        environment.err.write(`${renderError(known, errorLook(environment.err))}\n`);
        if (!(await environment.confirm('Edit again? Otherwise nothing is changed.', signal))) return undefined;
      }
    }
  });
}

function headOf(inventory: Inventory): string {
  const given = leafPaths(desiredConfiguration(inventory)).map((path) => path.join('.'));
  return [
    `# Patroni’s dynamic configuration of ${inventory.cluster}. What the inventory gives is changed there, not here:`,
    ...given.map((name) => `#   ${name}`),
    '',
  ].join('\n');
}

/** What the editor left. */
async function leftBy(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new InputError({
      kind: 'config/content',
      message: `the editor left no file that can be read: ${(cause as Error).message}`,
      hint: 'nothing was changed; to change nothing, leave the file as it was',
      cause,
    });
  }
}

function readConfig(text: string): JsonObject {
  const value = parsed(text);
  if (isJsonObject(value)) return value;
  throw new InputError({ kind: 'config/content', message: 'the file holds no settings any more; to change nothing, leave it as it was' });
}

function parsed(text: string): Json | undefined {
  try {
    // A warning would quote what stands there.
    return parse(text, { logLevel: 'error' }) as Json;
  } catch (cause) {
    throw new InputError({
      kind: 'config/content',
      message: `what the editor left is not YAML: ${yamlErrorWords(cause)}`,
      cause,
    });
  }
}
