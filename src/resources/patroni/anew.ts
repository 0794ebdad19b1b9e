import { handle, type Handle } from '../handle.js';
import { joinScripts, sh } from '../../shell/quote.js';
import { dataDirectory, type DataDirectoryOptions } from '../data-directory.js';
import { findRest, restQuestion } from './rest.js';
import { answerText, digestOf, type Answer, type Change, type Resource } from '../resource.js';
import { printAnswer } from '../shared-question.js';
import { findUnit, unitsQuestion } from '../units.js';

/** What shows that a Patroni looks for its data where it is not. */
export interface PatroniAnewState {
  /** The unit runs, and its REST API says that it has no data and no server. */
  withoutData: boolean;
  /** The data directory holds a whole database. */
  hasData: boolean;
}

/** What is seen of it for the unit of a Patroni. */
export function patroniAnewHandle(unit: string): Handle<PatroniAnewState> {
  return handle(`anew:${unit}`);
}

/**
 * Patroni runs with the data directory that its file names. It reads that setting only when it starts, so one that was started
 * with another directory and found it empty waits for a leader for ever, while the data is here; it is started anew, which stops
 * nothing, because it has no server.
 */
export function patroniAnew(options: { unit: string; url: string } & DataDirectoryOptions): Resource<PatroniAnewState> {
  const { unit, url, path, binDirectory, user } = options;
  const { id } = patroniAnewHandle(unit);
  const data = dataDirectory({ path, binDirectory, user });
  const rest = restQuestion(`${url}/patroni`);
  const units = unitsQuestion(unit);
  return {
    id,
    sharedQuestions: [...data.sharedQuestions, rest, units],
    probe: () => joinScripts([data.probe(), sh`printf '\f\n'`, printAnswer(rest), sh`echo`, printAnswer(units)]),
    parse: (answer) => {
      const [directory = '', others = ''] = answerText(answer).split('\f\n');
      const state = data.parse({ ...answer, out: Buffer.from(directory) } satisfies Answer);
      const isActive = findUnit(others, unit).active === 'active';
      return {
        withoutData: isActive && isWithoutData(findRest(others, `${url}/patroni`).body),
        hasData: state.kind === 'cluster' && state.systemIdentifier !== undefined && state.copy === 'none',
      };
    },
    diff: ({ withoutData, hasData }): Change[] =>
      withoutData && hasData ? [{ action: 'start', summary: `start ${unit} anew (it runs, but not with the data in ${path})` }] : [],
    apply: () => sh`systemctl reset-failed ${unit} 2>/dev/null || :
systemctl restart ${unit}`,
    digest: () => digestOf(id, path),
  };
}

/** Patroni's words for a member whose data directory is empty, and who does not fill it at the moment. */
function isWithoutData(body: string): boolean {
  if (!body.startsWith('{')) return false;
  const { state, role } = JSON.parse(body) as { state?: unknown; role?: unknown };
  return state === 'stopped' && role === 'uninitialized';
}
