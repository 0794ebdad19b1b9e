import { createHash } from 'node:crypto';
import { redact } from '../lib/secret.js';
import type { Answer } from '../shell/frame.js';
import { sh, type Script } from '../shell/quote.js';
import type { Handle } from './handle.js';
import type { SharedQuestion } from './shared-question.js';

export type { Answer } from '../shell/frame.js';

/** Something that can be asked of a host. Pure: it does no I/O and never sees a connection. */
export interface Observation<State = unknown> extends Handle<State> {
  /**
   * When it is asked: after every step as well (default); at the start and at the end, to prove the run; or at the start only, to
   * decide whether a run may begin.
   */
  readonly when?: 'everyStep' | 'startAndEnd' | 'start';
  /**
   * What is asked in its place, for the same state, where nothing may be left out: by the look that proves a run that changed
   * something, and by a command that only looks. The first look of a run does with less.
   */
  readonly thorough?: Observation<State>;
  /** It has no probe that a host is worth asking: it is left out of what is asked, and its state stays undefined. */
  readonly asksNothing?: true;
  /** Questions whose answers the probe reads. */
  readonly sharedQuestions?: readonly SharedQuestion[];
  /**
   * Total: an absent package or a stopped server is a state, never an error.
   * @param last what the same host answered last in this run, so that much that has not changed need not be sent again; undefined: nothing yet
   */
  probe(last?: State): Script;
  /** Bytes to state; throws on what it does not know. */
  parse(answer: Answer, last?: State): State;
}

/** The observations, each as thorough as it can be. */
export function thoroughly(observations: readonly Observation[]): Observation[] {
  return observations.map((observation) => observation.thorough ?? observation);
}

/** An observation that is asked only where nothing may be left out (see `thorough`); elsewhere nothing is asked, and its state is undefined. */
export function onlyThoroughly<State>(observation: Observation<State>): Observation<State | undefined> {
  const { id, when } = observation;
  return {
    id,
    ...(when === undefined ? {} : { when }),
    thorough: observation,
    asksNothing: true,
    probe: () => sh`:`,
    parse: () => undefined,
  };
}

/** What kind of change a person would call it. */
export type Action = 'create' | 'update' | 'install' | 'start' | 'restart' | 'reload' | 'enable' | 'run';

/** One difference between what is and what should be. */
export interface Change {
  action: Action;
  /** One line for people, without the host: `write /etc/hosts (mode 0644)`. */
  summary: string;
  /** Which part of the resource it is about, where its `apply` has to know: the `ownership` of a file alone. */
  part?: string;
  /**
   * Part of a change that concerns the whole cluster, and that a rolling stage makes on all hosts at once. A host that `follows`
   * waits for what another one's change does, so it is let begin before those that `lead`; one that `joins` waits for nobody.
   * What any of them has begun is carried through, also when the connection is lost.
   */
  coordinated?: 'initiates' | 'waits' | 'parallel';
  /**
   * What is in force on the host until the change is made, as a clause without the host, where that weakens or endangers what runs:
   * `status` shows it. Default: nothing that `status` need tell.
   */
  danger?: string;
  /** Texts for a unified diff; the plan masks the secrets in them. */
  before?: string;
  after?: string;
}

/** Exit status of a change that was refused before anything of it was done. */
export const NOTHING_DONE = 113;

/** What should be so on a host, how to ask, how to compare and how to change. */
export interface Resource<State = unknown> extends Observation<State> {
  /**
   * Empty: as desired.
   * @param states what the host's resources answered, by id, where the change of one follows from that of another
   */
  diff(state: State, states?: ReadonlyMap<string, unknown>): Change[];
  /**
   * Idempotent, and safe to repeat after a cut connection. Ends with the status `NOTHING_DONE` where it was refused before it did anything;
   * with any other failure it counts as done in part.
   */
  apply(changes: readonly Change[], state: State): Script;
  /**
   * Whether the host has what others wait for that follow in a change of this resource, or makes it. Default: where its own change leads.
   */
  gives?(state: State): boolean;
  /**
   * What keeps the host from taking these changes until a person has put it right, as far as it shows in what the host answered
   * (`states`, by id): the run is refused before its first change. Default: nothing.
   */
  obstacle?(state: State, states: ReadonlyMap<string, unknown>): Obstacle | undefined;
  /** Digest of all that is desired; a service that reflects this resource compares digests. */
  digest(): string;
}

/** Why a change cannot be made on a host, and what a person does there. */
export interface Obstacle {
  /** A clause without the host: `the unit etcd is masked`. */
  what: string;
  /** In the imperative, with the command. */
  advice: string;
}

/** A condition that has to come true after a stage before the next one may start. */
export interface Gate extends Observation<GateState> {
  /** What is waited for, as a clause: `etcd has a quorum`. */
  readonly title: string;
  /** Once it is open it stays so, whatever its stage changes. */
  readonly waitOnlyOnce?: boolean;
  /** Hosts without each of which it does not open, by their inventory names: a run that has lost one of them does not wait. */
  readonly dependsOnHosts?: readonly string[];
  /** What to do, by what was said last where it did not open; undefined: nothing more is known than that the cause is to be mended. */
  readonly advice?: (said: string) => string | undefined;
  /** Waits on the host itself, polling often; fails early when it can never come true, unless that is not for its journal to say. */
  wait(options?: { ignoreLog?: boolean }): Script;
}

/** Whether a gate is open now, and what was seen. */
export interface GateState {
  open: boolean;
  seen: string;
}

/** SHA-256 of the parts, unambiguous as to where one ends and the next begins. */
export function digestOf(...parts: readonly (string | number)[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex');
}

/** The answer as text. */
export function answerText(answer: Answer): string {
  return answer.out.toString('utf8');
}

/** The answer's lines, without the empty one after the last line feed. */
export function answerLines(answer: Answer): string[] {
  return answerText(answer)
    .split('\n')
    .filter((line) => line !== '');
}

/** A probe answered something its parser does not know: a defect, or a very unusual host. */
export class UnknownAnswer extends Error {
  constructor(id: string, answer: Answer) {
    super(
      `${id}: the host answered something unknown (status ${answer.status}): ${JSON.stringify(redact(answerText(answer)).slice(0, 300))}`,
    );
  }
}
