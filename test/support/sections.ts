import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FrameParser, frameScript, type Answer, type FrameOptions, type Section } from '../../src/shell/frame.js';
import type { Change, Observation, Resource } from '../../src/resources/resource.js';
import { sharedSections, type SharedQuestion } from '../../src/resources/shared-question.js';
import { WORK_DIRECTORY } from '../../src/shell/lock.js';
import { Script } from '../../src/shell/quote.js';
import { feed, type Ended, type Shell } from './shells.js';

/** What a framed script answered. */
export interface Framed extends Ended {
  answers: Map<string, Answer>;
  notes: string[];
  /** Words in the order in which the host said them: `begin a`, `note text`, `done a 0`. */
  order: string[];
  complete: boolean;
  unfinished: string | undefined;
}

/** Reads the bytes of an answer in the given chunks. */
export function parseChunks(nonce: string, chunks: readonly Buffer[]): Omit<Framed, keyof Ended> {
  const answers = new Map<string, Answer>();
  const notes: string[] = [];
  const order: string[] = [];
  const parser = new FrameParser(nonce, {
    begin: (id) => order.push(`begin ${id}`),
    done: (id, answer) => {
      answers.set(id, answer);
      order.push(`done ${id} ${answer.status}`);
    },
    note: (text) => {
      notes.push(text);
      order.push(`note ${text}`);
    },
  });
  for (const chunk of chunks) parser.push(chunk);
  return { answers, notes, order, complete: parser.complete, unfinished: parser.unfinished };
}

/** Runs sections in a shell of this machine. */
export async function runSections(
  shell: Shell,
  sections: readonly Section[],
  options: FrameOptions & { env?: NodeJS.ProcessEnv; edit?: (text: string) => string } = {},
): Promise<Framed> {
  const { text, nonce } = frameScript(sections, options);
  const ended = await feed(shell, options.edit?.(text) ?? text, options.env === undefined ? {} : { env: options.env });
  return { ...ended, ...parseChunks(nonce, [ended.out]) };
}

/** A script whose literal paths were changed, so that what belongs to a host happens in a test's directory. */
export function moved(script: Script, from: string, to: string): Script {
  return Script.build(script.text.replaceAll(from, to));
}

/** An observation all of whose scripts were changed. */
export function rewritten<State>(observation: Observation<State>, rewrite: (script: Script) => Script): Observation<State> {
  const again = (question: SharedQuestion): SharedQuestion => ({
    ...question,
    ...(question.dependsOn === undefined ? {} : { dependsOn: question.dependsOn.map(again) }),
    ask: (subjects) => rewrite(question.ask(subjects)),
  });
  const shares = observation.sharedQuestions?.map(again);
  return {
    ...observation,
    ...(shares === undefined ? {} : { sharedQuestions: shares }),
    probe: (last) => rewrite(observation.probe(last)),
  };
}

/**
 * What an observation sees on this machine now.
 * @param last what it saw before
 */
export async function observe<State>(shell: Shell, observation: Observation<State>, last?: State): Promise<State> {
  const { answers, complete, err } = await runSections(shell, [
    ...sharedSections([observation]),
    { id: 'see', mode: 'probe', body: observation.probe(last) },
  ]);
  const answer = answers.get('see');
  if (!complete || answer === undefined) throw new Error(`the probe of ${observation.id} did not end: ${err}`);
  return observation.parse(answer, last);
}

/** What came of bringing a resource about once. */
export interface Applied<State> {
  before: State;
  changes: Change[];
  /** Exit status and words of the apply script; undefined when nothing was to be done. */
  answer: { status: number; words: string } | undefined;
  /** What the apply script told people while it ran. */
  notes: string[];
  after: State;
  /** What would still be changed; empty when the resource converges. */
  left: Change[];
}

/** Probes, applies what differs, and probes again. */
export async function bringAbout<State>(shell: Shell, resource: Resource<State>): Promise<Applied<State>> {
  const before = await observe(shell, resource);
  const changes = resource.diff(before);
  if (changes.length === 0) return { before, changes, answer: undefined, notes: [], after: before, left: [] };
  const scratch = mkdtempSync(join(tmpdir(), 'pgprov-work-'));
  const { answers, notes, err } = await runSections(shell, [{ id: 'do', mode: 'step', body: resource.apply(changes, before) }], {
    edit: (text) => text.replaceAll(WORK_DIRECTORY, scratch),
  }).finally(() => rmSync(scratch, { recursive: true, force: true }));
  const done = answers.get('do');
  if (done === undefined) throw new Error(`the change of ${resource.id} did not end: ${err}`);
  const after = await observe(shell, resource);
  const answer = { status: done.status, words: done.out.toString('utf8') };
  return { before, changes, answer, notes, after, left: resource.diff(after) };
}
