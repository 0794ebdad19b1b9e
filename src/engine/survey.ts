import { PgprovError } from '../lib/errors.js';
import type { Platform } from '../platform/index.js';
import { findPlatform, PLATFORMS, whyUnsupported } from '../platform/index.js';
import type { HostWork } from '../plan/host-work.js';
import { CLOCK_OFFSET, HOST_FACTS, hostFacts } from '../resources/host-facts.js';
import type { Observation } from '../resources/resource.js';
import { sharedSections } from '../resources/shared-question.js';
import type { Answer, FrameListener, FrameOptions, Section } from '../shell/frame.js';
import type { Exec } from '../transport/transport.js';
import type { Answers, Session } from './session.js';

const SEE = 'see:';

const SUPPORTED = PLATFORMS.map(({ title }) => title).join(', ');

/** All that can be asked of a host, each once. */
export function allObservations(shape: HostWork): Observation[] {
  const all = [...shape.observations, ...shape.stages.flatMap(({ stage }) => [...stage.resources, ...(stage.gates ?? [])])];
  return [...new Map(all.map((observation) => [observation.id, observation])).values()];
}

/**
 * Probes as sections of a script, after the questions that they have in common.
 * @param states what the host answered last, by the observations' ids
 */
export function probeSections(observations: readonly Observation[], states: ReadonlyMap<string, unknown> = new Map()): Section[] {
  return [
    ...sharedSections(observations),
    ...observations
      .filter(({ asksNothing }) => asksNothing !== true)
      .map((observation): Section => ({ id: SEE + observation.id, body: observation.probe(states.get(observation.id)), mode: 'probe' })),
  ];
}

/** What a probe answered; undefined where it was not asked. */
export function answerTo({ id }: Observation, answers: ReadonlyMap<string, Answer>): Answer | undefined {
  return answers.get(SEE + id);
}

/** Reads the probes' answers into the session's states. */
export function takeStates(session: Session, observations: readonly Observation[], answers: ReadonlyMap<string, Answer>): void {
  for (const observation of observations) {
    const answer = answerTo(observation, answers);
    if (answer === undefined) continue;
    try {
      session.states.set(observation.id, observation.parse(answer, session.states.get(observation.id)));
    } catch (cause) {
      throw new PgprovError({
        kind: 'probe/unknown-answer',
        host: session.host.name,
        message: `${session.host.name}: ${observation.id} could not be read: ${(cause as Error).message}`,
        hint: 'nothing was changed for it; please report this with the text above',
        cause,
      });
    }
  }
}

/** What a survey found: the host's platform, and its shape for that platform. */
export interface SurveyedHost {
  platform: Platform;
  shape: HostWork;
  /** The exec that holds the host's locks, when `hold` was asked for. */
  exec: Exec;
}

/**
 * Asks a host everything in one exec. The scripts are made for the platform the host had last time; when it
 * turns out to be another, it is asked once more.
 * @throws PgprovError `preflight/unsupported-os`
 */
export async function survey(
  session: Session,
  assumed: Platform | undefined,
  shapeFor: (platform: Platform) => HostWork,
  options: FrameOptions & { listener?: FrameListener /** Take also systems that pgprov was not tested on. */; allowUntested?: boolean },
): Promise<SurveyedHost> {
  const guess = assumed ?? (PLATFORMS[0] as Platform);
  const shape = shapeFor(guess);
  const first = await ask(session, shape, options);
  const platform = supported(session, { assumed, allowUntested: options.allowUntested });
  if (platform.id === guess.id) {
    takeStates(session, allObservations(shape), first.byId);
    return { platform, shape, exec: first.exec };
  }
  const right = shapeFor(platform);
  const { listener } = options;
  const second = await ask(session, right, listener === undefined ? {} : { listener });
  takeStates(session, allObservations(right), second.byId);
  return { platform, shape: right, exec: first.exec };
}

/** Asks everything, but reads only the facts: on a system that is not supported the rest may make no sense. */
async function ask(session: Session, shape: HostWork, options: FrameOptions & { listener?: FrameListener }): Promise<Answers> {
  const facts = hostFacts();
  const asked = Date.now();
  let answered = 0;
  const answers = await session.run(probeSections([facts, ...allObservations(shape)], session.states), {
    ...options,
    listener: {
      ...options.listener,
      done: (id, answer) => {
        if (id === SEE + HOST_FACTS.id) answered = Date.now();
        options.listener?.done?.(id, answer);
      },
    },
  });
  takeStates(session, [facts], answers.byId);
  const { clock } = session.seen(HOST_FACTS);
  session.states.set(CLOCK_OFFSET.id, { least: clock - answered, most: clock - asked });
  return answers;
}

/**
 * The platform of a host whose facts were asked for. One that pgprov was not tested on is taken where a person allows it; `assumed` is what an
 * earlier run that changed the host took it for, so that it was allowed then.
 * @throws PgprovError `preflight/unsupported-os`
 */
export function supported(
  session: Session,
  { assumed, allowUntested = false }: { assumed: Platform | undefined; allowUntested?: boolean | undefined },
): Platform {
  const facts = session.seen(HOST_FACTS);
  const platform = findPlatform(facts.os, facts.version);
  const { name } = session.host;
  if (platform === undefined) {
    const why = whyUnsupported(facts.os, facts.version);
    throw new PgprovError({
      kind: 'preflight/unsupported-os',
      host: name,
      message: `${name} runs ${facts.os || 'an unknown system'} ${facts.version}, which pgprov does not support${why === undefined ? '' : `: ${why}`}`,
      hint: `supported are ${SUPPORTED}`,
    });
  }
  if (platform.takenFor !== undefined && !allowUntested && assumed?.id !== platform.id) {
    throw new PgprovError({
      kind: 'preflight/untested-os',
      host: name,
      message: `${name} runs ${platform.title}, on which pgprov was not tested`,
      hint: `--allow-untested has plan, diff, apply and run treat it like ${platform.takenFor}; supported are ${SUPPORTED}`,
    });
  }
  if (facts.systemd) return platform;
  throw new PgprovError({
    kind: 'preflight/no-systemd',
    host: name,
    message: `${name} does not run systemd`,
    hint: 'pgprov manages services through systemd; boot the host with it',
  });
}
