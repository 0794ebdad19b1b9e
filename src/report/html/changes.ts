import type { PlannedChange } from '../../events.js';
import { groupBy } from '../../lib/group-by.js';
import { diffLines } from '../text-diff.js';
import { stageTitles } from '../stage-titles.js';
import type { TimedEvent } from '../timed-steps.js';
import { ofType } from '../timings.js';
import { count, isLook, listNames } from '../words.js';

/** Names of hosts in a line; the others are counted. */
const MOST_HOSTS = 6;

/** A line of a difference, and whether it comes, goes, stays, or says where. */
interface DiffLine {
  kind: 'add' | 'del' | 'hunk' | 'same';
  text: string;
}

/** One change, on all hosts that have it. */
interface ChangeView {
  summary: string;
  hosts: string;
  /** Hosts where it was to be made and was not. */
  left: string;
  projected: boolean;
  diffs: readonly { /** The change is not the same on all of its hosts. */ named: boolean; hosts: string; lines: readonly DiffLine[] }[];
}

/** What a run changed, or would change, stage by stage. */
export interface ChangesView {
  stages: readonly { title: string; amount: string; changes: readonly ChangeView[] }[];
  /** What it means for services, a sentence each. */
  effects: readonly string[];
  /** Some of it was foreseen rather than seen. */
  projected: boolean;
  /** It was only looked at. */
  foreseen: boolean;
  /** The run came so far that it knew. */
  known: boolean;
}

/** A change of a plan, and whether it was made; `undefined` in a run that only looks. */
interface KnownChange extends PlannedChange {
  made: boolean | undefined;
}

/** Changes, those that hosts have in common reported once. */
export function viewChanges(events: readonly TimedEvent[]): ChangesView {
  const [start] = ofType(events, 'run-start');
  const foreseen = start === undefined || isLook(start.command);
  const known = knownChanges(events, foreseen);
  const hosts = start?.hosts ?? [];
  const titles = stageTitles(events);
  const ids = [...new Set([...titles.keys(), ...known.map(({ stage }) => stage)])];
  return {
    stages: ids.flatMap((id) => {
      const own = known.filter(({ stage }) => stage === id);
      return own.length === 0 ? [] : [{ title: titles.get(id) ?? id, amount: count(own.length, 'change'), changes: together(own, hosts) }];
    }),
    effects: ofType(events, 'planned').flatMap(({ effects }) => effects),
    projected: known.some(isForeseen),
    foreseen,
    known: events.some(({ type }) => type === 'planned'),
  };
}

/** The plan's changes, and those that turned out to be due only later. */
function knownChanges(events: readonly TimedEvent[], foreseen: boolean): KnownChange[] {
  const planned = ofType(events, 'planned').flatMap(({ changes }) => changes);
  const made = ofType(events, 'changed');
  const key = ({ host, stage, resource }: { host: string; stage: string; resource: string }): string =>
    JSON.stringify([host, stage, resource]);
  const madeKeys = new Set(made.map(key));
  const plannedKeys = new Set(planned.map(key));
  return [
    ...planned.map((change) => ({ ...change, made: foreseen ? undefined : madeKeys.has(key(change)) })),
    ...made
      .filter((change) => !plannedKeys.has(key(change)))
      .flatMap(({ host, stage, resource, summaries }) =>
        summaries.map((summary) => ({ host, stage, resource, action: 'update', summary, projected: false, made: true })),
      ),
  ];
}

function together(changes: readonly KnownChange[], all: readonly string[]): ChangeView[] {
  return [...groupBy(changes, ({ resource, action, summary }) => JSON.stringify([resource, action, summary])).values()].map((same) => {
    const left = same.filter(({ made }) => made === false);
    const alike = [...groupBy(same.filter(hasTexts), ({ before, after }) => JSON.stringify([before, after])).values()];
    return {
      summary: same[0].summary,
      hosts: nameHosts(same, all),
      left: left.length === 0 ? '' : nameHosts(left, all),
      projected: same.some(isForeseen),
      diffs: alike.map((group) => ({ named: alike.length > 1, hosts: nameHosts(group, all), lines: linesOf(group[0]) })),
    };
  });
}

/** Once a change is made, it does not matter on what it rested before. */
function isForeseen({ projected, made }: KnownChange): boolean {
  return projected && made !== true;
}

function hasTexts({ before, after }: PlannedChange): boolean {
  return before !== undefined || after !== undefined;
}

function nameHosts(changes: readonly PlannedChange[], all: readonly string[]): string {
  const names = [...new Set(changes.map(({ host }) => host))];
  return names.length === all.length && names.length > MOST_HOSTS ? `all ${names.length} hosts` : listNames(names, MOST_HOSTS);
}

const KINDS: Readonly<Record<string, DiffLine['kind']>> = { '+': 'add', '-': 'del', '@': 'hunk', '\\': 'hunk' };

function linesOf(change: PlannedChange | undefined): DiffLine[] {
  const lines = diffLines(change?.before ?? '', change?.after ?? '', { color: false });
  if (lines.length === 0) return [{ kind: 'hunk', text: 'only hidden values differ' }];
  return lines.map((text) => ({ kind: KINDS[text.charAt(0)] ?? 'same', text }));
}
