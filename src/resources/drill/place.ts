import { handle } from '../handle.js';
import { seconds } from '../../shell/patience.js';
import { sh } from '../../shell/quote.js';
import { answerLines, answerText, type Observation } from '../resource.js';
import { DEFINE_SCRATCH, DRILL_LAST, DRILL_UNIT, leftScratches, WATCHED } from './scratch.js';
import { printAnswer } from '../shared-question.js';
import { findUnit, unitsQuestion } from '../units.js';

/** Moments that a drill reaches one after the other; `over`: its scratch directory is removed, or cannot be. */
export const DRILL_PHASES = ['began', 'restored', 'recovered', 'checked', 'compared', 'over'] as const;

/** One of them. */
export type DrillPhase = (typeof DRILL_PHASES)[number];

/** What a drill has told on its host. */
export interface DrillNotes {
  /** Tells it from others. */
  id: string;
  /** When it reached what, in seconds since 1970 by the host's clock. */
  at: Readonly<Partial<Record<DrillPhase, number>>>;
  /** What it failed in: `scratch`, `restore`, `recover`, `connect`, `stop`, `room`. */
  failed?: string;
  /** How systemd ended it before its end: `timeout`, `oom-kill`; or `stopped`. */
  ended?: string;
  /** The last words of what failed. */
  words: readonly string[];
  /** What PostgreSQL said of its recovery. */
  said: readonly string[];
  /** Where the recovery ended. */
  end?: { timeline: number; lsn: string };
  /** When the last transaction in it was committed, in seconds since 1970. */
  lastCommit?: number;
  databases: readonly { name: string; bytes: number }[];
  /** Bytes of the restored data. */
  bytes?: number;
  amcheck?: 'ok' | 'none' | 'damaged' | 'failed';
  checksums?: 'ok' | 'none' | 'damaged' | 'failed';
  /** What amcheck found, and what pg_checksums did. */
  findings: readonly string[];
  pages: readonly string[];
  /** Whether the query of its user's own went through. */
  query?: 'ok' | 'failed';
  /** The rows that it gave, or what PostgreSQL said instead. */
  answer: readonly string[];
  /** Why the scratch directory is still there. */
  left?: string;
}

/** What a host has of drills. */
export interface DrillPlace {
  /** One is under way. */
  running: boolean;
  /** A run of pgprov watches it. */
  watched: boolean;
  /** Scratch directories. */
  left: readonly string[];
  /** PostgreSQL's and pgBackRest's programs are there. */
  able: boolean;
  last?: DrillNotes;
}

/** The observation's id. */
export const DRILL_PLACE = handle<DrillPlace>('drill-place');

/** Seconds after which nobody watches who has not written it. */
const FORGOTTEN_AFTER = 15;

/** What there is of drills on a host, and whether one can be made there. */
export function drillPlace(parent: string, binDirectory: string): Observation<DrillPlace> {
  const units = unitsQuestion(DRILL_UNIT);
  return {
    ...DRILL_PLACE,
    sharedQuestions: [units],
    probe: () => sh`${printAnswer(units)}
echo
[ ! -x ${`${binDirectory}/postgres`} ] || ! command -v pgbackrest >/dev/null || echo able=yes
if [ -e ${WATCHED} ] && [ $(($(date +%s) - $(stat -c %Y ${WATCHED}))) -lt ${seconds(FORGOTTEN_AFTER)} ]; then echo watched=yes; fi
${DEFINE_SCRATCH}
${leftScratches(parent)} | sed 's/^/scratch=/'
cat ${DRILL_LAST} 2>/dev/null || :`,
    parse: (answer) => {
      const { active } = findUnit(answerText(answer), DRILL_UNIT);
      const lines = answerLines(answer);
      const all = (key: string): string[] => lines.flatMap((line) => (line.startsWith(`${key}=`) ? [line.slice(key.length + 1)] : []));
      const last = readNotes(all);
      return {
        running: ['active', 'activating', 'deactivating'].includes(active),
        watched: all('watched').length > 0,
        left: all('scratch'),
        able: all('able').length > 0,
        ...(last === undefined ? {} : { last }),
      };
    },
  };
}

function readNotes(all: (key: string) => string[]): DrillNotes | undefined {
  const [id] = all('id');
  if (id === undefined) return undefined;
  const one = <Name extends keyof DrillNotes>(name: Name): Pick<DrillNotes, Name> | object => {
    const [text] = all(name);
    return text === undefined || text === '' ? {} : { [name]: text };
  };
  const [end] = all('end').map((text) => text.split(' '));
  const [lastCommit = ''] = all('commit');
  const [bytes] = all('bytes');
  const times = DRILL_PHASES.flatMap((phase) => all(phase).map((text) => [phase, Number(text)] as const));
  return {
    id,
    at: Object.fromEntries(times),
    ...one('failed'),
    ...one('ended'),
    words: all('error'),
    said: all('said'),
    ...(end === undefined ? {} : { end: { timeline: Number(end[0]), lsn: end[1] ?? '' } }),
    ...(lastCommit === '' ? {} : { lastCommit: Number(lastCommit) }),
    databases: all('database').map((text) => ({ name: text.slice(text.indexOf(' ') + 1), bytes: Number(text.split(' ')[0]) })),
    ...(bytes === undefined ? {} : { bytes: Number(bytes) }),
    ...one('amcheck'),
    ...one('checksums'),
    findings: all('finding'),
    pages: all('page'),
    ...one('query'),
    answer: all('answer'),
    ...one('left'),
  };
}
