import { handle } from '../handle.js';
import { findRest, restQuestion } from './rest.js';
import { answerText, type Observation } from '../resource.js';
import { printAnswer } from '../shared-question.js';

/** The end of a timeline, and who began the next one, as Patroni has noted it. */
export interface TimelineEnd {
  timeline: number;
  /** Where in the WAL it was left, in bytes. */
  at: number;
  /** PostgreSQL's words in the timeline's history file: `no recovery target specified`. */
  reason: string;
  /** When the next timeline began, ISO 8601 as Patroni has it; undefined where it was not noted. */
  time: string | undefined;
  /** The member that leads from then on; undefined where it was not noted. */
  leader: string | undefined;
}

/** Undefined where Patroni does not answer. */
export type PatroniHistory = readonly TimelineEnd[] | undefined;

/** The observation's id. */
export const PATRONI_HISTORY = handle<PatroniHistory>('patroni-history');

/** Asks a member for the timelines of its cluster that are over; `url` is that of its REST API, `http://10.0.0.11:8008`. */
export function patroniHistory(url: string): Observation<PatroniHistory> {
  const address = `${url}/history`;
  const question = restQuestion(address);
  return {
    ...PATRONI_HISTORY,
    sharedQuestions: [question],
    probe: () => printAnswer(question),
    parse: (answer) => {
      const { status, body } = findRest(answerText(answer), address);
      return status === 200 ? readTimelineEnds(body) : undefined;
    },
  };
}

/**
 * Patroni answers, and keeps, a list of lists: `[timeline, position, reason, time, leader]`, the last two since its versions 1.6 and 2.0.
 * Undefined for what is no list.
 */
export function readTimelineEnds(body: string): PatroniHistory {
  const lines = parsed(body);
  if (!Array.isArray(lines)) return undefined;
  return lines.flatMap((line: unknown): TimelineEnd[] => {
    if (!Array.isArray(line)) return [];
    const [timeline, at, reason, time, leader] = line as unknown[];
    if (typeof timeline !== 'number' || typeof at !== 'number') return [];
    return [{ timeline, at, reason: text(reason) ?? '', time: text(time), leader: text(leader) }];
  });
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
