import type { Diagnosed, DoctorAnswer, Evidence, FindingLevel } from '../lib/finding.js';
import { formatDuration } from './duration.js';
import type { ErrorLook } from './error-text.js';
import { makePaint, symbols, type Paint } from './paint.js';
import { printable } from './printable.js';
import { cutToWidth, hanging } from './width.js';
import { count } from './words.js';

/** Lines of evidence that are shown of one finding; JSON has them all. */
const MOST_EVIDENCE = 5;

/** What doctor found, for people. */
export function renderDoctor(answer: DoctorAnswer, { color, columns = Infinity }: ErrorLook): string {
  const paint = makePaint(color);
  const { findings, well, unseen, at } = answer;
  const verdict = doctorVerdict(answer);
  const blocks = findings.map((finding) => block(finding, at, paint, columns).join('\n'));
  const rest = [
    ...unseen.flatMap(({ host, reason }) => hanging(paint.changed('? '), printable(`${host} could not be asked: ${reason}`), columns)),
    ...(well.length === 0
      ? []
      : hanging(`${paint.ok(symbols.ok)} `, `found well: ${wellWords(answer)}`, columns).map((line) => paint.quiet(line))),
  ];
  return [
    ...blocks,
    ...(rest.length === 0 ? [] : [rest.join('\n')]),
    paint[verdict.tone](`${VERDICTS[verdict.tone]} ${verdict.text}`),
  ].join('\n\n');
}

/** All that was found well where nothing is wrong; otherwise how much, so that the findings stay in sight. */
function wellWords({ findings, well }: DoctorAnswer): string {
  if (findings.length === 0) return well.join(', ');
  const ill = new Set(findings.flatMap((finding) => [finding, ...finding.consequences]).map(({ diagnosis }) => diagnosis));
  return `${well.length} of ${well.length + ill.size} things that were looked at, which --json lists`;
}

const VERDICTS = { ok: symbols.ok, changed: '?', failed: symbols.failed };

const MARKS: Readonly<Record<FindingLevel, (paint: Paint) => string>> = {
  broken: (paint) => paint.failed(symbols.failed),
  danger: (paint) => paint.changed(symbols.changed),
  notice: (paint) => paint.quiet(symbols.told),
};

function block(
  { level, host, what, since, evidence, follows, mend, consequences }: Diagnosed,
  now: number,
  paint: Paint,
  columns: number,
): string[] {
  const inside = (begin: string, text: string): string[] => hanging(`  ${begin}`, printable(text), columns);
  const more = evidence.length - MOST_EVIDENCE;
  return [
    ...hanging(`${MARKS[level](paint)} `, printable(`${host === undefined ? '' : `${host}: `}${what}${sinceWords(since, now)}`), columns),
    ...evidence.slice(0, MOST_EVIDENCE).map((seen) => paint.quiet(cutToWidth(`    ${evidenceLine(seen)}`, columns))),
    ...(more > 0 ? [paint.quiet(`    … ${count(more, 'line')} more, with --json`)] : []),
    ...inside('', follows),
    ...consequences.flatMap((other) => inside('', `from it follows: ${other.host === undefined ? '' : `${other.host}: `}${other.what}`)),
    ...inside(`${paint.active(symbols.hint)} `, mend),
  ];
}

/** A piece of evidence in one line: where, when, by which source, and the line. */
export function evidenceLine({ host, at, source, line }: Evidence): string {
  return printable([host, at === undefined ? undefined : clock(at), `${source}:`, line].filter((part) => part !== undefined).join(' '));
}

/** The day and time in UTC, as `pgprov logs --timestamps` has them, without fractions. */
function clock(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/u, 'Z');
}

/** Since when, as the end of a clause; empty where nothing tells. */
export function sinceWords(since: number | undefined, now: number): string {
  return since === undefined ? '' : ` (since ${clock(since)}, ${formatDuration(Math.max(0, now - since))} ago)`;
}

/** The whole in a clause. */
export function doctorVerdict({ findings, unseen }: DoctorAnswer): { tone: 'ok' | 'changed' | 'failed'; text: string } {
  const of = (level: FindingLevel): number => findings.filter((finding) => finding.level === level).length;
  const [broken, danger] = [of('broken'), of('danger')];
  const hosts = unseen.length === 0 ? '' : `; ${count(unseen.length, 'host')} could not be asked`;
  if (broken + danger === 0 && unseen.length === 0) return { tone: 'ok', text: 'nothing is wrong' };
  if (broken + danger === 0) return { tone: 'changed', text: `nothing is wrong as far as could be seen${hosts}` };
  const parts = [...(broken === 0 ? [] : [`${broken} broken`]), ...(danger === 0 ? [] : [count(danger, 'danger')])];
  return { tone: 'failed', text: `${parts.join(', ')}${hosts}` };
}
