import type { EventListener } from '../events.js';
import { PgprovError } from '../lib/errors.js';
import { redact } from '../lib/secret.js';
import { isCoordinated, stepWork, type StepWork } from '../plan/plan.js';
import type { HostWork } from '../plan/host-work.js';
import type { Stage } from '../plan/role.js';
import { GAVE_UP } from '../resources/gate.js';
import { NOTHING_DONE, type Gate, type Resource } from '../resources/resource.js';
import type { Answer, Section } from '../shell/frame.js';
import { CLEAR_WORK_DIRECTORY, takeStepLock } from '../shell/lock.js';
import { joinScripts } from '../shell/quote.js';
import type { Session } from './session.js';
import { allObservations, probeSections, takeStates } from './survey.js';

const DO = 'do:';

/** Seconds to wait for a step that an interrupted run left behind. */
export const STEP_LOCK_TIMEOUT = 900;

/** The kind of the error of a change that was refused before anything of it was done. */
export const NOTHING_DONE_KIND = 'apply/refused';

/** One host's part of one stage. */
export interface Step {
  session: Session;
  shape: HostWork;
  /** Stage id, `role/name`. */
  id: string;
  stage: Stage;
  emit: EventListener;
}

/**
 * Changes what differs, waits for the stage's gates, and reads back everything the host is still to be
 * asked for, all in one exec. Gives whether there was anything to do or to wait for.
 * @throws PgprovError when a change fails, a gate does not open, or a change did not take
 */
export async function runStep(step: Step): Promise<boolean> {
  const { session, stage } = step;
  const work = stepWork(stage, session.states);
  if (work.changes.length === 0 && !work.waits) return false;
  const gates = work.waits ? (stage.gates ?? []) : [];
  const observations = allObservations(remaining(step));
  const { byId } = await session.run([...doSections(work, gates), ...probeSections(observations, session.states)], {
    ...(stage.onlyWatches === true ? {} : { before: joinScripts([takeStepLock(STEP_LOCK_TIMEOUT), CLEAR_WORK_DIRECTORY]) }),
    unbroken: isCoordinated(work),
    listener: stepListener(step, work, gates),
  });
  throwIfFailed(step, work, gates, byId);
  takeStates(session, observations, byId);
  throwIfNotTaken(step);
  return true;
}

function doSections(work: StepWork, gates: readonly Gate[]): Section[] {
  return [
    ...work.changes.map(
      ({ resource, changes, state }): Section => ({
        id: DO + resource.id,
        body: resource.apply(changes, state),
        mode: 'step',
      }),
    ),
    ...gates.map((gate): Section => ({ id: DO + gate.id, body: gate.wait(), mode: 'step' })),
  ];
}

/** The host's shape from this stage on, because what earlier stages made needs no second proof, and what the guards read. */
function remaining({ shape, id }: Step): HostWork {
  const at = shape.stages.findIndex((entry) => entry.id === id);
  return { observations: shape.observations.filter(({ when = 'everyStep' }) => when === 'everyStep'), stages: shape.stages.slice(at) };
}

/** Turns frames into events as they arrive, so that a person sees what is being done. */
function stepListener(
  step: Step,
  work: StepWork,
  gates: readonly Gate[],
): {
  begin(id: string): void;
  done(id: string, answer: Answer): void;
  note(text: string): void;
} {
  const { emit, id: stage } = step;
  const host = step.session.host.name;
  const summaries = new Map(work.changes.map(({ resource, changes }) => [DO + resource.id, changes.map((change) => change.summary)]));
  const titles = new Map(gates.map((gate) => [DO + gate.id, gate.title]));
  let began = Date.now();
  return {
    begin: (id) => {
      began = Date.now();
      const resource = id.slice(DO.length);
      const title = titles.get(id);
      if (title !== undefined) emit({ type: 'waiting', host, stage, title });
      else if (summaries.has(id)) emit({ type: 'changing', host, stage, resource, summary: summaries.get(id)?.join('; ') ?? '' });
    },
    done: (id, answer) => {
      if (answer.status !== 0) return;
      const ms = Date.now() - began;
      const title = titles.get(id);
      if (title !== undefined) emit({ type: 'waited', host, stage, title, ms });
      else if (summaries.has(id)) {
        emit({ type: 'changed', host, stage, resource: id.slice(DO.length), summaries: summaries.get(id) ?? [], ms });
      }
    },
    note: (text) => emit({ type: 'note', host, stage, text: redact(text) }),
  };
}

function throwIfFailed(step: Step, work: StepWork, gates: readonly Gate[], answers: ReadonlyMap<string, Answer>): void {
  const host = step.session.host.name;
  for (const { resource, changes } of work.changes) {
    const answer = answers.get(DO + resource.id);
    if (answer === undefined || answer.status === 0) continue;
    const what = `${host}: could not ${changes.map((change) => change.summary).join('; ')}`;
    if (answer.status === NOTHING_DONE)
      throw new PgprovError({
        kind: NOTHING_DONE_KIND,
        host,
        message: `${what}\n${lastWords(answer)}`,
        hint: 'nothing of it was done; fix the cause and run the same command again; it continues from here',
      });
    throw new PgprovError({
      kind: 'apply/failed',
      host,
      message: `${what} (exit status ${answer.status})\n${lastWords(answer)}`,
      hint: 'nothing after it was done on this host; fix the cause and run the same command again; it continues from here',
    });
  }
  for (const gate of gates) {
    const answer = answers.get(DO + gate.id);
    if (answer === undefined || answer.status === 0) continue;
    const said = lastWords(answer);
    const advice = gate.advice?.(said) ?? 'fix the cause and run the same command again; it continues from here';
    throw new PgprovError({
      kind: 'gate/closed',
      host,
      message: `${host}: ${said}`,
      hint: `${advice}${isTimeUp(answer) ? MORE_TIME : ''}`,
    });
  }
}

/** What else there is to do where the time was up; a gate that has a variable of its own names it. */
const MORE_TIME = '; if the host is only slow, a higher base.patience in the inventory waits longer';

function isTimeUp({ out }: Answer): boolean {
  const [words = ''] = out.toString('utf8').split('\n');
  return words.startsWith(GAVE_UP);
}

/** The last lines of what a failed script said. */
export function lastWords(answer: Answer): string {
  const lines = redact(answer.out.toString('utf8'))
    .split('\n')
    .filter((line) => line.trim() !== '');
  return lines
    .slice(-14)
    .map((line) => `  ${line}`)
    .join('\n')
    .trim();
}

function throwIfNotTaken(step: Step): void {
  const { session, stage } = step;
  const left = stepWork(stage, session.states).changes;
  if (left.length === 0) return;
  const host = session.host.name;
  const what = left.flatMap(({ changes }: { resource: Resource; changes: { summary: string }[] }) =>
    changes.map((change) => change.summary),
  );
  throw new PgprovError({
    kind: 'apply/did-not-take',
    host,
    message: `${host}: applied, but the change did not take effect: ${what.join('; ')}`,
    hint: 'look on the host for what undoes the change, such as another configuration tool',
  });
}
