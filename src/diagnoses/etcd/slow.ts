import { defineDiagnosis } from '../../index.js';
import { asEvidence } from '../shared/lines.js';

/** Minutes that are looked back on. */
const MINUTES = 15;

/** So many writes that took more than a second, which is when etcd says so, are no accident. */
const SLOW_WRITES = 5;

/** Milliseconds around a slow write in which what happens comes from it: two election timeouts. */
const AROUND = 5000;

const SLOW = /slow fdatasync|sync duration of \S+, expected less than/u;
const CONSEQUENCE = /lost leader|took too long|leader failed to send out heartbeat on time|leader is overloaded/u;

/** The disk of a member of etcd takes seconds for a write. */
export default defineDiagnosis({
  name: 'store-slow',
  looksAt: 'how fast etcd’s disks are',
  role: 'etcd',
  find: (examination) =>
    examination.view.hosts('etcd').flatMap(({ name: host }) => {
      const lines = examination.log(host, 'etcd').filter(({ at }) => examination.now - at < MINUTES * 60_000);
      const slow = lines.filter(({ text }) => SLOW.test(text));
      const [first] = slow;
      if (first === undefined || slow.length < SLOW_WRITES) return [];
      // A leader that was lost at another time was lost for another reason.
      const lost = lines.filter(({ at, text }) => /lost leader/u.test(text) && slow.some((write) => Math.abs(write.at - at) < AROUND));
      const other = lines.findLast(({ text }) => CONSEQUENCE.test(text));
      return [
        {
          level: lost.length > 0 ? ('danger' as const) : ('notice' as const),
          host,
          what: `the disk under etcd is slow: ${slow.length} writes took more than a second in the last ${MINUTES} minutes${lost.length > 0 ? `, and the members had to choose a leader anew` : ''}`,
          since: first.at,
          evidence: [...slow.slice(-2), ...lost.slice(-1), ...(other === undefined || lost.length > 0 ? [] : [other])].map(asEvidence),
          follows: 'etcd answers late, and chooses leaders anew; Patroni may lose its lease, and PostgreSQL restarts as a standby',
          mend: `give etcd’s data a disk of its own, or take load off it: \`iostat -x 5 3 || cat /proc/pressure/io\`, as root on ${host}, shows how busy it is`,
        },
      ];
    }),
});
