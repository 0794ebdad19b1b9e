import type { Evidence, FindingLevel } from '../plan/diagnosis.js';
import type { Diagnosed, DoctorAnswer } from './diagnosed.js';
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
  const blocks = findings.map((finding) => block(finding, at, paint, columns).join('\n'));
  const rest = [
    ...unseen.flatMap(({ host, reason }) => hanging(paint.changed('? '), printable(`${host} could not be asked: ${reason}`), columns)),
    ...(well.length === 0 ? [] : hanging(`${paint.ok(symbols.ok)} `, `found well: ${well.join(', ')}`, columns)),
  ];
  return [...blocks, ...(rest.length === 0 ? [] : [rest.join('\n')]), verdict(answer, paint)].join('\n\n');
}

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
  const when = since === undefined ? '' : ` (since ${clock(since)}, ${formatDuration(Math.max(0, now - since))} ago)`;
  const inside = (begin: string, text: string): string[] => hanging(`  ${begin}`, printable(text), columns);
  const more = evidence.length - MOST_EVIDENCE;
  return [
    ...hanging(`${MARKS[level](paint)} `, printable(`${host === undefined ? '' : `${host}: `}${what}${when}`), columns),
    ...evidence.slice(0, MOST_EVIDENCE).map((seen) => paint.quiet(cutToWidth(`    ${evidenceLine(seen)}`, columns))),
    ...(more > 0 ? [paint.quiet(`    … ${count(more, 'line')} more, with --json`)] : []),
    ...inside('', follows),
    ...consequences.flatMap((other) => inside('', `from it follows: ${other.host === undefined ? '' : `${other.host}: `}${other.what}`)),
    ...inside(`${paint.active(symbols.hint)} `, mend),
  ];
}

function evidenceLine({ host, at, source, line }: Evidence): string {
  return printable([host, at === undefined ? undefined : clock(at), `${source}:`, line].filter((part) => part !== undefined).join(' '));
}

/** The day and time in UTC, as `pgprov logs --timestamps` has them, without fractions. */
function clock(at: number): string {
  return new Date(at).toISOString().replace(/\.\d+Z$/u, 'Z');
}

function verdict({ findings, unseen }: DoctorAnswer, paint: Paint): string {
  const of = (level: FindingLevel): number => findings.filter((finding) => finding.level === level).length;
  const [broken, danger] = [of('broken'), of('danger')];
  const hosts = unseen.length === 0 ? '' : `; ${count(unseen.length, 'host')} could not be asked`;
  if (broken + danger === 0 && unseen.length === 0) return paint.ok(`${symbols.ok} nothing is wrong`);
  if (broken + danger === 0) return paint.changed(`? nothing is wrong as far as could be seen${hosts}`);
  const parts = [...(broken === 0 ? [] : [`${broken} broken`]), ...(danger === 0 ? [] : [`${count(danger, 'danger')}`])];
  return paint.failed(`${symbols.failed} ${parts.join(', ')}${hosts}`);
}
