import { defineDiagnosis, enumerate, pgprov, type Examination, type Finding, type GoneHost, type LoggedLine } from '../../index.js';
import { dcsOf } from '../../../roles/shared/dcs-of.js';
import { CAME, NO_ACCESS, remoteOf } from '../shared/connections.js';
import { asEvidence, linesSince, POSTGRESQL_LOGS, QUOTED_REFUSAL, sinceFirst } from '../shared/lines.js';

/** Milliseconds: a Patroni tries its store every few seconds, and a standby its primary. What was not tried again is over. */
const TRIES = 60_000;

/** One or two refusals are what its removal itself has caused. */
const FEWEST = 3;

/** A machine that was taken out of the cluster runs again, and is refused. */
export default defineDiagnosis({
  name: 'taken-out',
  looksAt: 'hosts that were taken out',
  find: (examination) =>
    examination.gone.flatMap((gone): Finding[] => {
      const { view } = examination;
      const refusing = view.inventory.hosts
        .map(({ name }) => ({ name, lines: refusals(examination, name, gone) }))
        .filter(({ lines }) => isTrying(examination, lines));
      if (refusing.length === 0) return [];
      const lines = refusing.flatMap((each) => each.lines).sort((a, b) => a.at - b.at);
      const { name } = dcsOf(view.inventory);
      const asksStore = lines.some(({ text }) => CAME.test(text));
      return [
        {
          level: 'danger',
          host: gone.replaced ? `the former machine of ${gone.name}` : gone.name,
          what: `it ${goneWords(gone)}, and runs again at ${enumerate(fromOf(lines))}: ${asksStore ? name : 'pg_hba.conf'} on ${enumerate(refusing.map((each) => each.name))} refuses it`,
          ...sinceFirst(lines),
          evidence: refusing.flatMap((each) => each.lines.slice(-1).map(asEvidence)),
          follows:
            'it cannot join, and the cluster lacks nothing; whatever else starts there, as a proxy or the virtual address, may mislead clients',
          mend: mendOf(examination, gone),
        },
      ];
    }),
});

function goneWords({ since, absent }: GoneHost): string {
  if (since !== undefined) return `was taken out at ${new Date(since).toISOString().replace(/\.\d+Z$/u, 'Z')}`;
  return absent ? 'is absent in the inventory' : 'is not in the inventory any more';
}

function mendOf({ view }: Examination, { absent, replaced }: GoneHost): string {
  const { unit } = dcsOf(view.inventory);
  const units = view.hosts('patroni').length > 0 ? `\`systemctl disable --now patroni\`, and likewise ${unit} and` : 'its PostgreSQL and';
  const off = `switch it off, or stop and disable, as root on it, what it has of the cluster: ${units} what else starts there; its data is yours to remove`;
  if (replaced) return `${off}. Let it in nowhere: another machine has its place`;
  const listed = absent ? 'take `absent` away in the inventory' : 'put it into the inventory again';
  return `${off}. Let it in nowhere; to have it back, stop it all the same, move its data aside, ${listed}, and run ${pgprov`apply ${view.inventory}`}`;
}

/** What a host has refused to the machine since it was taken out. */
function refusals(examination: Examination, host: string, { addresses, since = 0 }: GoneHost): LoggedLine[] {
  const { unit } = dcsOf(examination.view.inventory);
  const isFrom = (address: string | undefined): boolean => address !== undefined && addresses.includes(address);
  const asked = examination.log(host, unit).filter((line) => CAME.test(line.text) && isFrom(remoteOf(line)));
  const logs = linesSince(examination, host, { units: POSTGRESQL_LOGS, pattern: NO_ACCESS });
  const connected = logs.filter(({ text }) => !QUOTED_REFUSAL.test(text) && isFrom(NO_ACCESS.exec(text)?.groups?.['from']));
  return [asked, connected].flatMap((lines) => lastTries(lines.filter(({ at }) => at > since)));
}

/** The tries at the end that came one soon after the other. */
function lastTries(lines: readonly LoggedLine[]): readonly LoggedLine[] {
  const first = lines.findLastIndex(({ at }, index) => index > 0 && at - (lines[index - 1]?.at ?? at) > TRIES);
  return lines.slice(Math.max(0, first));
}

function isTrying({ now }: Examination, lines: readonly LoggedLine[]): boolean {
  return lines.length >= FEWEST && lines.some(({ at }) => now - at < TRIES);
}

function fromOf(lines: readonly LoggedLine[]): string[] {
  return [...new Set(lines.flatMap((line) => remoteOf(line) ?? NO_ACCESS.exec(line.text)?.groups?.['from'] ?? []))];
}
