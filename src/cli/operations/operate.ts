import { hostname, userInfo } from 'node:os';
import { operate } from '../../engine/operate.js';
import type { OperateOptions } from '../../engine/operate-options.js';
import { startOf } from '../../engine/operation-start.js';
import { ExitCode } from '../../lib/errors.js';
import { OPERATIONS } from '../../operations/index.js';
import type { Operation, Written } from '../../plan/operation.js';
import type { SourceCluster } from '../../plan/source-cluster.js';
import { endOperation, writeOperation, type OperationRecord } from '../../store/operation-record.js';
import { catalogOf } from '../catalog.js';
import { selectionOf, selectionOptions } from '../options.js';
import { THIS_PROCESS } from '../pipeline/environment.js';
import { Pipeline, type PipelineOptions } from '../pipeline/pipeline.js';
import { putIntoStore } from '../secrets/put.js';
import { statusSeen } from '../status-of.js';
import { engineOptions, type OfEngine } from './engine-options.js';
import { giveUp, giveUpTidily } from './give-up.js';
import { editInventory, takesEdits } from './inventory-edit.js';
import { answered, assertOneAnswer, assertSame, assertSameHosts, assertSameSource, partAnswers } from './going-on.js';
import { defaultsOf, operationWords } from './option-words.js';
import { questionOf, stepsShown } from './shown.js';
import { openSource, type SourcePlace } from './source.js';
import { assertStill, unfinishedOf } from './still.js';
import { describeOperation } from './unfinished.js';

/** Options that every operation has; its own are among them, by their names. */
export interface OperateCommandOptions extends PipelineOptions {
  check?: boolean;
  resume?: boolean;
  giveUp?: boolean;
}

/** How an operation comes to be. */
export interface Follows {
  /** Id of the journal of the run that it goes on from. */
  follows?: string | undefined;
  /** The other cluster, for one that takes one. */
  from?: SourcePlace;
}

/** What an operation is run with, once it is known where it begins. */
interface Begun extends Pick<Follows, 'follows'> {
  operation: Operation;
  source: SourceCluster | undefined;
  given: Readonly<Record<string, unknown>>;
  /** What `--host` and `--group` chose, where it has these. */
  chosenHosts: readonly string[] | undefined;
  /** Of one that was begun before. */
  record: OperationRecord | undefined;
  /** What was given of the options that answer it. */
  answers: Readonly<Record<string, unknown>>;
  /** The inventory as it is written, where it aims at another. */
  written?: Written;
}

/** An operation that comes with pgprov. */
export function operationNamed(name: string): Operation {
  const operation = OPERATIONS.find((candidate) => candidate.name === name);
  if (operation === undefined) throw new RangeError(`there is no operation ${name}`);
  return operation;
}

/** `pgprov switchover` and all others: looks, asks, carries out step by step, proves. */
export async function runOperation(
  operation: Operation,
  file: string,
  options: OperateCommandOptions,
  environment = THIS_PROCESS,
  { follows, from }: Follows = {},
): Promise<ExitCode> {
  const { name } = operation;
  const typed = ownOptions(operation, options);
  // What is the operation's own, as a host that it is about, is no choice of hosts for the pipeline.
  const common = Object.fromEntries(Object.entries(options).filter(([option]) => !(option in typed))) as OperateCommandOptions;
  const asWritten = await Pipeline.open(file, common, environment);
  const record = await unfinishedOf(operation, asWritten.inventory);
  const aimed = await aimedAt(operation, asWritten, record, { typed, common });
  const opened = aimed === undefined ? asWritten : await Pipeline.open(file, aimed.options, environment);
  const pipeline = opened.goingBy(operation.inventory?.(opened.inventory, { ...(record?.given ?? typed) }));
  const { inventory } = pipeline;
  if (options.giveUp === true) {
    if (record === undefined || operation.hinders?.role({ inventory, options: record.chosen }) === undefined)
      return giveUp(pipeline, operation, record);
    const given = { ...record.given };
    const basis = basisOf(pipeline, { operation, source: undefined, given, chosenHosts: record.hosts, record, answers: {} });
    return giveUpTidily(pipeline, { record, basis, hinders: operation.hinders });
  }
  if (options.resume === true && record === undefined) {
    pipeline.tell({ type: 'note', text: `Nothing to resume: no ${name} of ${inventory.cluster} is unfinished.` });
    return ExitCode.done;
  }
  const source = from === undefined ? undefined : await openSource(operation, from, environment);
  if (record !== undefined) assertSameSource(record, source?.inventory.file, inventory);
  const { answers, others } = partAnswers(operation, typed);
  if (record !== undefined) {
    assertSame(record, others, inventory);
    assertOneAnswer(operation, record, answers, inventory);
  }
  const given = { ...defaultsOf(operation), ...typed };
  const selected = operation.choosesHosts === true ? selectionOf(inventory, options).hosts : undefined;
  if (record !== undefined) assertSameHosts(record, selected, inventory);
  const chosenHosts = record === undefined ? selected : record.hosts;
  const begun: Begun = {
    operation,
    source,
    given: record === undefined ? given : answered(record, answers).given,
    chosenHosts,
    record,
    answers,
    ...(aimed === undefined ? {} : { written: aimed.written }),
    ...(follows === undefined ? {} : { follows }),
  };
  await startOf(basisOf(pipeline, begun));
  return options.check === true ? check(pipeline, begun) : carryOut(pipeline, begun, options);
}

/** What an operation aims at, as if it had been given with `--set`, and what the inventory says without; undefined: it aims at nothing. */
async function aimedAt(
  operation: Operation,
  { inventory }: Pick<Pipeline, 'inventory'>,
  record: OperationRecord | undefined,
  { typed, common }: { typed: object; common: OperateCommandOptions },
): Promise<{ options: OperateCommandOptions; written: Written } | undefined> {
  const aim = operation.aims?.({ ...record?.chosen, ...typed });
  if (aim === undefined) return undefined;
  const { set = [], lab } = common;
  const takes = lab === undefined && (await takesEdits(inventory.file, [aim]));
  return {
    options: { ...common, typedSet: common.typedSet ?? set, set: [...set, `${aim.path.join('.')}=${aim.value}`] },
    written: { hosts: inventory.hosts, takes },
  };
}

/** The same of an operation that takes two inventories: of the first it only reads what is kept here, and with its lab. */
export async function runWithSource(
  operation: Operation,
  file: string,
  { into = '', lab, ...options }: OperateCommandOptions & { into?: string },
  environment = THIS_PROCESS,
): Promise<ExitCode> {
  return runOperation(operation, into, options, environment, { from: { file, ...(lab === undefined ? {} : { lab }) } });
}

/** `--give-up` of an operation by its name alone, because what defines it may be gone or broken meanwhile. */
export async function giveUpOperation(
  name: string,
  file: string,
  options: OperateCommandOptions,
  environment = THIS_PROCESS,
): Promise<ExitCode> {
  const pipeline = await Pipeline.open(file, options, environment);
  return giveUp(pipeline, { name }, await unfinishedOf({ name }, pipeline.inventory));
}

/** The options of the operation itself, without those that were not given. */
function ownOptions({ options: schemas, argument }: Operation, options: OperateCommandOptions): Record<string, unknown> {
  const all = options as Readonly<Record<string, unknown>>;
  const names = [...(argument === undefined ? [] : [argument.name]), ...Object.keys(schemas)];
  return Object.fromEntries(names.flatMap((name) => (all[name] === undefined ? [] : [[name, all[name]]])));
}

/** Shows the steps; nothing is touched. */
function check(pipeline: Pipeline, begun: Begun): Promise<ExitCode> {
  const { operation } = begun;
  return pipeline.carryOut({
    command: wordsOf(begun),
    shows: 'answer',
    go: (parts) =>
      operate({
        ...basisOf(pipeline, begun),
        ...engineOptions(parts),
        check: true,
        begin: async () => undefined,
        end: async () => undefined,
      }),
    answer: ({ exitCode, foreseen }) => {
      if (pipeline.form.kind !== 'json' && foreseen !== undefined && exitCode === ExitCode.done)
        pipeline.print(stepsShown(pipeline, operation, foreseen));
      return exitCode;
    },
  });
}

function carryOut(pipeline: Pipeline, begun: Begun, options: OperateCommandOptions): Promise<ExitCode> {
  const { operation, record, given } = begun;
  const { store } = pipeline;
  const command = wordsOf(begun);
  const about = begun.follows === undefined ? {} : { follows: begun.follows };
  const isRecorded = operation.keptInStore !== true && operation.changesNothing !== true;
  const journal = {
    command,
    aim: operation.choosesHosts === true ? selectionOptions(options) : {},
    set: options.typedSet ?? options.set ?? [],
    ...about,
  };
  const answers = operation.answer !== undefined && given['json'] === true;
  return pipeline.carryOut({
    command,
    about,
    shows: answers ? 'answer' : 'run',
    // One that is refused or finds nothing to do has no place in the journal, where the last run is one to be resumed.
    ...(operation.changesNothing === true ? {} : { journal, holds: true }),
    go: async (parts) => {
      await assertStill(operation, pipeline.inventory, record);
      if (record !== undefined) pipeline.tell({ type: 'note', text: `resuming ${describeOperation(record)}` });
      return operate({
        ...basisOf(pipeline, begun),
        ...engineOptions(parts),
        check: false,
        begin: async (chosen) => {
          await parts.begin();
          if (isRecorded) await writeOperation(store, recordOf(begun, chosen));
        },
        end: async () => (isRecorded ? endOperation(store) : undefined),
        consent: (proposal) => parts.ask(questionOf(pipeline, operation, proposal)),
      });
    },
    answer: ({ exitCode, answer }) => {
      if (answers && answer !== undefined) pipeline.print(JSON.stringify(answer, undefined, 2));
      return exitCode;
    },
  });
}

/** What is written down when the first step begins: what was begun before, with the answers that it is given now. */
function recordOf(begun: Begun, chosen: object): OperationRecord {
  const { operation, source, given, chosenHosts, record, answers } = begun;
  if (record !== undefined) return answered(record, answers);
  return {
    operation: operation.name,
    command: wordsOf(begun),
    ...(source === undefined ? {} : { source: source.inventory.file }),
    given,
    chosen: { ...chosen },
    ...(chosenHosts === undefined ? {} : { hosts: chosenHosts }),
    began: new Date().toISOString(),
    by: `${userInfo().username}@${hostname()}`,
  };
}

function wordsOf({ operation, given, source }: Begun): string {
  return operationWords(operation, given, source?.inventory.file);
}

/** What an operation is carried out with, whatever becomes of it. */
function basisOf(
  { inventory, environment }: Pipeline,
  { operation, source, given, chosenHosts, record, answers, written }: Begun,
): Omit<OperateOptions<object>, OfEngine> {
  return {
    operation,
    inventory,
    ...(source === undefined ? {} : { source }),
    given,
    ...(record === undefined ? {} : { chosen: answered(record, answers).chosen }),
    ...(chosenHosts === undefined ? {} : { chosenHosts }),
    catalog: catalogOf(inventory),
    openStore: (how) => environment.openStore(inventory, how),
    putSecret: (reference, value) => putIntoStore(inventory.dir, reference, value),
    editInventory: (edits) => editInventory(inventory.file, edits),
    ...(written === undefined ? {} : { written }),
    describe: (view) => statusSeen(inventory, catalogOf(inventory), view),
  };
}
