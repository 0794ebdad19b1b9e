import type { PlannedChange, RunEvent } from '../../../src/events.js';

/** A change without its remark in brackets, in which what was foreseen may differ from what was then seen. */
function line(host: string, stage: string, summary: string): string {
  return `${host} ${stage} ${summary.replace(/ \([^()]*\)$/u, '')}`;
}

interface Planned {
  text: string;
  /** It may turn out that there is nothing to do. */
  may: boolean;
}

/** What `plan --output json` says, a line a change. */
export function plannedLines(stdout: string): Planned[] {
  const events = stdout
    .split('\n')
    .filter((text) => text !== '')
    .map((text) => JSON.parse(text) as RunEvent);
  const planned = events.find((event): event is Extract<RunEvent, { type: 'planned' }> => event.type === 'planned');
  return (planned?.changes ?? []).map(({ host, stage, resource, summary, projected }: PlannedChange) => ({
    text: line(host, stage, summary),
    // Whether a role exists cannot be asked of a server that is down, so it is planned for the case that it does not.
    may: projected && resource.startsWith('pg-role:'),
  }));
}

/** What `apply` says that it did, on plain lines, a line a change. */
export function appliedLines(stdout: string): string[] {
  return stdout.split('\n').flatMap((text) => {
    const [, host = '', stage = '', summaries] = /^(\S+) +([\w-]+\/[\w-]+) +changed: (.*) \([^()]* (?:s|min|h)[^()]*\)$/u.exec(text) ?? [];
    return summaries === undefined ? [] : summaries.split('; ').map((summary) => line(host, stage, summary));
  });
}

/** @throws Error with what was planned and not done, and what was done and not planned */
export function assertAsPlanned(planned: readonly Planned[], applied: readonly string[]): void {
  const left = [...applied];
  const undone = planned.filter(({ text, may }) => {
    const at = left.indexOf(text);
    if (at >= 0) left.splice(at, 1);
    return at < 0 && !may;
  });
  if (undone.length === 0 && left.length === 0) return;
  throw new Error(
    [
      'apply did not do what plan said',
      ...undone.map(({ text }) => `  planned, not done: ${text}`),
      ...left.map((entry) => `  done, not planned: ${entry}`),
    ].join('\n'),
  );
}
