import { adviceOf, certificateProblemsOf, expiringOf, type CertificatesStatus, type PlaceStatus, type Validity } from './certificates.js';
import type { ErrorLook } from './error-text.js';
import { makePaint, symbols, type Paint } from './paint.js';
import { printable } from './printable.js';
import { renderTable } from './table.js';
import { count, listNames } from './words.js';
import { hanging } from './width.js';

/** A cluster's certificates for people: authorities, certificates of hosts, and what to do. */
export function renderCertificates(status: CertificatesStatus, { color, columns = Infinity }: ErrorLook): string {
  const paint = makePaint(color);
  const blocks = [
    [
      `${paint.strong(`certificates of ${status.cluster}`)}${status.rotation === undefined ? '' : `  the authority is being rotated (phase “${status.rotation}”)`}`,
    ],
    status.authorities.length === 0
      ? ['The store has no certificates of it: no role of it uses certificates, or it was never applied.']
      : authorityTable(status, paint, columns),
    status.places.length === 0 ? [] : placeTable(status, paint, columns),
    status.gone.length === 0 ? [] : goneTable(status, paint, columns),
    status.unreachable.map(({ host, reason }) => `${paint.failed(symbols.failed)} ${host} could not be asked: ${printable(reason)}`),
    verdict(status, paint, columns),
  ];
  return blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n');
}

function authorityTable({ authorities, withinDays }: CertificatesStatus, paint: Paint, columns: number): string[] {
  return renderTable(
    [
      { title: 'authority', cells: authorities.map(({ subject }) => printable(subject)) },
      { title: 'expires', cells: authorities.map((authority) => expiry(authority, withinDays, paint)) },
      { title: '', cells: authorities.map(({ issuing }) => (issuing ? 'signs new certificates' : 'still trusted')) },
      { title: 'sha-256', cells: authorities.map(({ fingerprint }) => paint.quiet(`${fingerprint.slice(0, 23)}…`)) },
    ],
    paint.quiet,
    columns,
  );
}

function placeTable({ places, authorities, withinDays }: CertificatesStatus, paint: Paint, columns: number): string[] {
  const several = new Set(places.map(({ authority }) => authority)).size > 1 || authorities.length > 1;
  return renderTable(
    [
      { title: 'host', cells: places.map(({ host }) => host) },
      { title: 'service', cells: places.map(({ service }) => service) },
      {
        title: 'expires',
        cells: places.map((place) => (place.notAfter === undefined ? '' : expiry(place as Validity, withinDays, paint))),
      },
      {
        title: 'signed by',
        cells: places.map(({ authority, subject, given }) =>
          !several || subject === undefined
            ? ''
            : given === true
              ? 'given'
              : authority === undefined
                ? paint.failed('an unknown authority')
                : `authority ${authority}`,
        ),
      },
      { title: 'on the host', cells: places.map((place) => onHost(place, paint)) },
      {
        title: 'in use',
        cells: places.map(({ readAnew, loaded, seen }) =>
          !seen ? '' : readAnew === true ? 'read anew' : loaded === undefined ? '?' : loaded ? 'yes' : paint.failed('not yet'),
        ),
      },
      {
        title: 'names',
        cells: places.map(({ subject, names }) =>
          printable(
            [...(subject === undefined ? [] : [subject]), ...names.filter((name) => !LOCAL.has(name) && name !== subject)].join(' '),
          ),
        ),
      },
    ],
    paint.quiet,
    columns,
  );
}

function goneTable({ gone }: CertificatesStatus, paint: Paint, columns: number): string[] {
  const standing = gone.map(({ since, acceptedBy, refusedBy }) =>
    since === undefined
      ? refusedBy.length > 0
        ? paint.failed('not known here')
        : paint.changed('accepted')
      : acceptedBy.length > 0
        ? paint.failed('not everywhere yet')
        : `since ${since.slice(0, 10)}`,
  );
  return renderTable(
    [
      { title: 'gone', cells: gone.map(({ host }) => printable(host)) },
      { title: 'serial', cells: gone.map(({ serial }) => paint.quiet(serial)) },
      { title: 'expires', cells: gone.map(({ until }) => until.slice(0, 10)) },
      { title: 'revoked', cells: standing },
    ],
    paint.quiet,
    columns,
  );
}

/** Every certificate has these. */
const LOCAL = new Set(['localhost', '127.0.0.1', '::1']);

/** The file is what it is to be. */
const IS_SO: ReadonlySet<PlaceStatus['onHost']> = new Set(['as in the store', 'as given']);

function onHost({ onHost: certificate, authorities }: PlaceStatus, paint: Paint): string {
  if (certificate === 'not asked') return paint.quiet('not asked');
  if (!IS_SO.has(certificate)) return paint.failed(certificate);
  return IS_SO.has(authorities) ? certificate : paint.failed('other authorities');
}

function expiry({ notAfter, daysLeft }: Validity, withinDays: number, paint: Paint): string {
  const day = notAfter.slice(0, 10);
  if (daysLeft < 0) return paint.failed(`${day} (expired)`);
  const text = `${day} (${count(daysLeft, 'day')})`;
  return daysLeft < withinDays ? paint.changed(text) : text;
}

function verdict(status: CertificatesStatus, paint: Paint, columns: number): string[] {
  const found = [...expiringOf(status), ...certificateProblemsOf(status)];
  const advice = adviceOf(status).flatMap((sentence) => hanging(`${paint.active(symbols.hint)} `, sentence, columns));
  if (found.length > 0)
    return [...found.flatMap((text) => hanging(`${paint.failed(symbols.failed)} `, printable(text), columns)), ...advice];
  const { unreachable, withinDays } = status;
  const within = `within ${count(withinDays, 'day')}`;
  if (unreachable.length === 0) return [paint.ok(`${symbols.ok} nothing expires ${within}`), ...advice];
  return [...hanging(`${paint.changed('?')} `, unseenWords(status, within), columns), ...advice];
}

/** What is known where hosts could not be asked, and of which nothing is. */
function unseenWords({ authorities, places, unreachable }: CertificatesStatus, within: string): string {
  const known = places.some(({ seen }) => seen) ? 'in the store and on the other hosts' : 'in the store';
  const unseen = `what ${listNames(unreachable.map(({ host }) => host))} ${unreachable.length === 1 ? 'has' : 'have'} was not seen`;
  return authorities.length === 0 ? unseen : `nothing ${known} expires ${within}; ${unseen}`;
}
