import { defineDiagnosis, ETCD_MEMBER, pgprov } from '../../index.js';
import { asEvidence } from '../shared/lines.js';

/** Members try each other and Patroni tries etcd every few seconds: what does not come again is over. */
const RECENT = 60_000;

/** Words of Go’s TLS about certificates. A client without one, and one that hangs up, are none of ours. */
const REFUSED =
  /x509: |tls: bad certificate|tls: unknown certificate|tls: expired certificate|certificate has expired|unknown certificate authority/u;

/** Connections of etcd fail because of certificates, or of passwords. */
export default defineDiagnosis({
  name: 'store-handshakes',
  looksAt: 'who is let in by etcd',
  role: 'etcd',
  find: (examination) =>
    examination.view.hosts('etcd').flatMap(({ name: host }) => {
      const lines = examination.log(host, 'etcd').filter(({ at, text }) => REFUSED.test(text) && examination.now - at < RECENT);
      const last = lines.at(-1);
      // One is an accident, such as a certificate that was just replaced.
      if (last === undefined || lines.length < 3) return [];
      const address = /"(?:remote-addr|remote-peer-addr)":"\[?([^"]*?)\]?:\d+"/u.exec(last.text)?.[1];
      const peer = examination.view.inventory.hosts.find(({ clusterAddress }) => clusterAddress === address);
      const why = /x509: [^"]*|tls: [^"]*/u.exec(last.text)?.[0] ?? 'the certificate';
      return [
        {
          level: examination.view.read(host, ETCD_MEMBER)?.healthy === true ? ('danger' as const) : ('broken' as const),
          host,
          what: `etcd and ${peer?.name ?? address ?? 'another one'} refuse each other’s certificates: ${why}`,
          since: lines[0]?.at ?? last.at,
          evidence: lines.slice(-2).map(asEvidence),
          follows: 'who is refused is cut off: a member from the quorum, Patroni from its store',
          mend: `${pgprov`certs status ${examination.view.inventory}`} shows which certificate is wrong; ${pgprov`apply ${examination.view.inventory}`} writes those that belong there`,
          explains: ['store-member-down'],
        },
      ];
    }),
});
