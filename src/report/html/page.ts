import { doctorVerdict } from '../doctor-text.js';
import { comparableTimes, formatDuration } from '../duration.js';
import { leftOutWords } from '../left-out.js';
import { printable } from '../printable.js';
import { stepFailure } from '../causes.js';
import { endSentence } from '../recap.js';
import { ofType, timeRun } from '../timings.js';
import { count } from '../words.js';
import { writeGapText } from '../write-gap-text.js';
import { viewChanges, type ChangesView } from './changes.js';
import { viewCluster } from './cluster.js';
import { viewFailures } from './failures.js';
import { viewFindings } from './findings.js';
import type { ReportedRun } from './reported-run.js';
import { loadPage } from './template.js';
import { viewTimeline } from './timeline.js';
import { viewWaits } from './waits.js';

/** The numbers of more hosts are folded away. */
const FEW_HOSTS = 12;

/** Makes the page of a run. Its template is read now, so that what is wrong with it is known before the run starts. */
export function preparePage(): (run: ReportedRun) => string {
  const render = loadPage();
  return (run) => render(viewPage(run));
}

function viewPage({ events, ...run }: ReportedRun): object {
  const timings = timeRun(events);
  const changes = viewChanges(events);
  return {
    cluster: run.cluster,
    command: run.command,
    verdict: verdict({ events, ...run }, changes),
    facts: [
      ...(run.at === undefined ? [] : [{ label: 'Started', text: `${run.at.toISOString().slice(0, 19).replace('T', ' ')} UTC` }]),
      { label: 'Took', text: formatDuration(run.ms) },
      ...ofType(events, 'write-gap').map((gap) => ({ label: 'Writes', text: writeGapText(gap) })),
      ...run.facts,
    ].map(({ label, text }) => ({ label, text: printable(text) })),
    findings: viewFindings(events),
    attention: viewFailures(events),
    state: viewCluster(events),
    timeline: viewTimeline(events, timings),
    waits: timings === undefined ? undefined : viewWaits(timings),
    changes,
    ...viewHosts(events, timings),
  };
}

/** How it all ended, in one sentence; `mark` says the same as the colour. */
function verdict({ events, ending, ms }: ReportedRun, { stages, foreseen }: ChangesView): { tone: string; mark: string; text: string } {
  const diagnosed = ofType(events, 'diagnosed').at(-1);
  if (diagnosed !== undefined) {
    const { tone, text } = doctorVerdict(diagnosed.answer);
    return { tone, mark: tone === 'failed' ? '✖' : tone === 'ok' ? '✔' : '●', text: `${text.charAt(0).toUpperCase()}${text.slice(1)}.` };
  }
  const end = ofType(events, 'run-end').at(-1);
  const [start] = ofType(events, 'run-start');
  const leftOut = leftOutWords(start?.leftOut);
  if (end === undefined)
    return {
      tone: 'failed',
      mark: '✖',
      text: `${ending === 'failed' ? 'Failed' : `Not finished (${ending})`} after ${formatDuration(ms)}.`,
    };
  if (foreseen && end.exitCode === 0) {
    const planned = ofType(events, 'planned').flatMap(({ changes }) => changes);
    const hosts = new Set(planned.map(({ host }) => host)).size;
    if (stages.length === 0)
      return {
        tone: 'ok',
        mark: '✔',
        text: `No changes: ${leftOut === '' ? 'the cluster' : 'what the run selected'} is as the inventory says${leftOut}.`,
      };
    return { tone: 'changed', mark: '●', text: `${count(planned.length, 'change')} on ${count(hosts, 'host')} would be made.` };
  }
  const failures = ofType(events, 'step-end').flatMap((event) => (event.error === undefined ? [] : [stepFailure(event, event.error)]));
  const { tone, text } = endSentence({
    ...end,
    command: start?.command ?? 'apply',
    leftOut: start?.leftOut,
    again: start?.again,
    failures,
  });
  return { tone: tone === 'failed' ? 'failed' : 'ok', mark: tone === 'failed' ? '✖' : '✔', text };
}

/** A row of numbers for each host. */
function viewHosts(events: ReportedRun['events'], timings: ReturnType<typeof timeRun>): object {
  const recap = ofType(events, 'run-end').at(-1)?.recap ?? [];
  const time = comparableTimes(timings?.totalMs ?? 0);
  const hosts = recap.map(({ host, ok, changed, failed, skipped }) => {
    const times = timings?.hosts.find((entry) => entry.host === host);
    return {
      host,
      ok,
      changed,
      failed,
      skipped,
      connect: time(times?.connectMs ?? 0),
      look: time((times?.surveyMs ?? 0) + (times?.surveyAgainMs ?? 0)),
      stages: time(times?.stagesMs ?? 0),
      scripts: times?.scripts ?? 0,
    };
  });
  return { hosts, hostsAmount: count(hosts.length, 'host'), fewHosts: hosts.length <= FEW_HOSTS };
}
