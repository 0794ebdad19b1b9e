import {
  defineDiagnosis,
  ETCD_CLUSTER,
  ETCD_MEMBER,
  groupBy,
  NAMES,
  pgprov,
  type Examination,
  type Finding,
  type Host,
  type LoggedLine,
} from '../../index.js';
import { peerUrl } from '../../../roles/shared/etcd/peer-url.js';
import { memberIdOf } from '../../../roles/shared/etcd/member-id.js';
import { CAME, remoteOf } from '../shared/connections.js';
import { goneAt } from '../shared/gone.js';
import { asEvidence, sinceFirst } from '../shared/lines.js';

/** Members try each other several times in a second, and Patroni tries etcd every few seconds: what does not come again is over. */
const RECENT = 10_000;

/** Words of Go’s TLS about certificates. A client without one, and one that hangs up, are none of ours. */
const REFUSED =
  /x509: |tls: bad certificate|tls: unknown certificate|tls: expired certificate|certificate has expired|unknown certificate authority/u;

const LET_IN = /established TCP streaming connection/u;

/** Connections of etcd fail because of certificates. */
export default defineDiagnosis({
  name: 'store-handshakes',
  looksAt: 'who is let in by etcd',
  role: 'etcd',
  find: (examination) => {
    const { view } = examination;
    const refused = view.hosts('etcd').flatMap(({ name }) => refusals(examination, name));
    return [...groupBy(refused, (line) => JSON.stringify([culpritOf(examination, line), strangerIn(examination, line)])).values()].map(
      (group): Finding => {
        const lines = [...group].sort((a, b) => a.at - b.at);
        const stranger = strangerIn(examination, group[0]);
        // What stands in brackets after it is a guess of Go's, and what is itself in brackets ends with them.
        const why = /(?:x509|tls): [^"()]*/u.exec(lines.at(-1)?.text ?? '')?.[0].trimEnd() ?? 'the certificate';
        const told = { ...sinceFirst(lines), evidence: lines.slice(-2).map(asEvidence) };
        const host = culpritOf(examination, group[0]);
        return stranger === undefined
          ? {
              level: isHealthy(examination, host) ? 'danger' : 'broken',
              host,
              what: `etcd refuses connections because of certificates: ${why}`,
              ...told,
              follows: 'who is refused is cut off: a member from the quorum, Patroni from its store',
              mend: `${pgprov`apply ${view.inventory}`} writes the certificates that belong there; ${pgprov`certs status ${view.inventory}`} shows which is wrong`,
              explains: ['store-member-down', 'unit-failed/etcd', 'unit-restarts/etcd'],
            }
          : {
              level: 'notice',
              host,
              what: `etcd refuses ${stranger}, which is no host of the cluster, because of certificates: ${why}`,
              ...told,
              follows: 'whoever that is cannot ask etcd; the cluster lacks nothing',
              mend: `find out who ${stranger} is: it is not meant to ask etcd, or it needs a certificate of the cluster’s authority`,
            };
      },
    );
  },
});

function isHealthy({ view }: Examination, host: string): boolean {
  return view.read(host, ETCD_MEMBER)?.healthy === true;
}

/** Who is at fault: of the two ends the one that is out of the quorum, else the one whose certificate the other did not take. */
function culpritOf(examination: Examination, line: LoggedLine): string {
  const peer = peerOf(examination, line);
  if (peer === undefined) return line.host;
  if (!isHealthy(examination, peer)) return peer;
  return isHealthy(examination, line.host) && CAME.test(line.text) && !/remote error/u.test(line.text) ? peer : line.host;
}

/** The address at the other end of a connection that came from no host of the inventory. */
function strangerIn(examination: Examination, line: LoggedLine): string | undefined {
  return CAME.test(line.text) && peerOf(examination, line) === undefined ? remoteOf(line) : undefined;
}

/**
 * Lines of a host that tell of refusals which go on. One or two are an accident, such as a certificate that was just replaced, and who was taken out
 * is meant to be refused.
 */
function refusals(examination: Examination, host: string): readonly LoggedLine[] {
  const { log, now } = examination;
  const lines = log(host, 'etcd');
  const after = lines
    .slice(lines.findLastIndex(({ text }) => LET_IN.test(text)) + 1)
    .filter((line) => REFUSED.test(line.text) && goneAt(examination, remoteOf(line)) === undefined);
  const last = after.at(-1);
  return after.length < 3 || last === undefined || now - last.at > RECENT ? [] : after;
}

/** Who was at the other end, where it is a host of the inventory. */
function peerOf({ view }: Examination, line: LoggedLine): string | undefined {
  const { hosts } = view.inventory;
  const address = remoteOf(line);
  const id = /"(?:remote-peer|remote-member|peer)-id":"([0-9a-f]+)"/u.exec(line.text)?.[1];
  const byId = id === undefined ? undefined : hosts.find((host) => idsOf(view, host).includes(id));
  return (byId ?? hosts.find((host) => address !== undefined && addressesOf(view, line.host, host).includes(address)))?.name;
}

/** What one host knows another one by, of its names what they resolve to there. */
function addressesOf(view: Examination['view'], teller: string, { address, clusterAddress }: Host): string[] {
  return [address, clusterAddress, ...(view.read(teller, NAMES)?.addresses[clusterAddress] ?? [])];
}

/** What etcd calls the member of a host, in hexadecimal as in its log. */
function idsOf(view: Examination['view'], host: Host): string[] {
  const listed = view.inventory.hosts.flatMap(({ name }) => view.read(name, ETCD_CLUSTER)?.members ?? []);
  return listed.filter(({ peerUrls }) => peerUrls.includes(peerUrl(host))).map(memberIdOf);
}
