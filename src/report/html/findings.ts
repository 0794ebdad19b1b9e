import type { Diagnosed, FindingLevel } from '../../lib/finding.js';
import { evidenceLine, sinceWords } from '../doctor-text.js';
import type { TimedEvent } from '../timed-steps.js';
import { ofType } from '../timings.js';

/** One finding of doctor. */
interface FindingView {
  mark: string;
  tone: string;
  title: string;
  evidence: string;
  follows: string;
  consequences: readonly string[];
  mend: string;
}

/** What doctor found. */
export interface FindingsView {
  list: readonly FindingView[];
  /** What was found well, in one line. */
  well: string;
}

const LOOKS: Readonly<Record<FindingLevel, { mark: string; tone: string }>> = {
  broken: { mark: '✖', tone: 'bad' },
  danger: { mark: '▲', tone: 'warning' },
  notice: { mark: '·', tone: 'quiet' },
};

/** What there is to say of a diagnosis; undefined when the page is of another run. */
export function viewFindings(events: readonly TimedEvent[]): FindingsView | undefined {
  const answer = ofType(events, 'diagnosed').at(-1)?.answer;
  if (answer === undefined) return undefined;
  return { list: answer.findings.map((finding) => viewFinding(finding, answer.at)), well: answer.well.join(', ') };
}

function viewFinding({ level, host, what, since, evidence, follows, consequences, mend }: Diagnosed, now: number): FindingView {
  return {
    ...LOOKS[level],
    title: `${host === undefined ? '' : `${host}: `}${what}${sinceWords(since, now)}`,
    evidence: evidence.map(evidenceLine).join('\n'),
    follows,
    consequences: consequences.map((other) => `${other.host === undefined ? '' : `${other.host}: `}${other.what}`),
    mend,
  };
}
