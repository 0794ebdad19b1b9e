import { defineDiagnosis, ETCD_CLUSTER, ETCD_MEMBER, pgprov, type Examination, type Host, type LoggedLine } from '../../index.js';
import { peerUrl } from '../../../roles/shared/etcd/unit-guard.js';
import { memberIdOf } from '../../../roles/shared/etcd/member-id.js';
import { asEvidence } from '../shared/lines.js';

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
    const healthy = (host: string): boolean => view.read(host, ETCD_MEMBER)?.healthy === true;
    // Of the two ends the one that is out of the quorum is at fault.
    const culprit = (line: LoggedLine): string => {
      const peer = peerOf(examination, line);
      return peer !== undefined && !healthy(peer) ? peer : line.host;
    };
    return [...new Set(refused.map(culprit))].map((host) => {
      const lines = refused.filter((line) => culprit(line) === host).sort((a, b) => a.at - b.at);
      const last = lines.at(-1);
      const why = /x509: [^"]*|tls: [^"]*/u.exec(last?.text ?? '')?.[0] ?? 'the certificate';
      return {
        level: healthy(host) ? ('danger' as const) : ('broken' as const),
        host,
        what: `etcd refuses connections because of certificates: ${why}`,
        ...(lines[0] === undefined ? {} : { since: lines[0].at }),
        evidence: lines.slice(-2).map(asEvidence),
        follows: 'who is refused is cut off: a member from the quorum, Patroni from its store',
        mend: `${pgprov`apply ${view.inventory}`} writes the certificates that belong there; ${pgprov`certs status ${view.inventory}`} shows which is wrong`,
        explains: ['store-member-down', 'unit-failed', 'unit-restarts'],
      };
    });
  },
});

/** Lines of a host that tell of refusals which go on. One or two are an accident, such as a certificate that was just replaced. */
function refusals({ log, now }: Examination, host: string): readonly LoggedLine[] {
  const lines = log(host, 'etcd');
  const after = lines.slice(lines.findLastIndex(({ text }) => LET_IN.test(text)) + 1).filter(({ text }) => REFUSED.test(text));
  const last = after.at(-1);
  return after.length < 3 || last === undefined || now - last.at > RECENT ? [] : after;
}

/** Who was at the other end, where it is a host of the inventory. */
function peerOf({ view }: Examination, { text }: LoggedLine): string | undefined {
  const { hosts } = view.inventory;
  const address = /"remote-addr":"\[?([^"]*?)\]?:\d+"/u.exec(text)?.[1];
  const id = /"remote-peer-id":"([0-9a-f]+)"/u.exec(text)?.[1];
  const byId = id === undefined ? undefined : hosts.find((host) => idsOf(view, host).includes(id));
  return (byId ?? hosts.find(({ clusterAddress }) => clusterAddress === address))?.name;
}

/** What etcd calls the member of a host, in hexadecimal as in its log. */
function idsOf(view: Examination['view'], host: Host): string[] {
  const listed = view.inventory.hosts.flatMap(({ name }) => view.read(name, ETCD_CLUSTER)?.members ?? []);
  return listed.filter(({ peerUrls }) => peerUrls.includes(peerUrl(host))).map(memberIdOf);
}
