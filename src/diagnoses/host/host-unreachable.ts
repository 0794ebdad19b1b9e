import { defineDiagnosis, enumerate, type Examination, type Evidence, type Host, type Inventory } from '../../index.js';
import { dcsOf } from '../../../roles/shared/dcs-of.js';
import { getsThrough, reachesOf } from '../shared/reach.js';

/** A host could not be asked. Whether it is off, cut off, or only its SSH does not let us in shows in what the others see of it. */
export default defineDiagnosis({
  name: 'host-unreachable',
  looksAt: 'whether every host can be asked',
  find: (examination) =>
    examination.view.inventory.hosts.flatMap((host) => {
      const reason = examination.unseen.get(host.name);
      if (reason === undefined) return [];
      const { state, evidence } = seenByOthers(examination, host);
      return [
        {
          level: state === 'works' ? ('danger' as const) : ('broken' as const),
          host: host.name,
          what: `it cannot be asked over SSH${WHAT[state]}`,
          evidence: [{ source: 'ssh', line: reason }, ...evidence],
          follows: isMember(host, examination.view.inventory) || state === 'unknown' ? FOLLOWS[state] : WITHOUT,
          mend: mendOf(host, reason, state),
        },
      ];
    }),
});

/** What the other members see of a host: its services answer, its kernel says that nobody listens, or nothing comes back. */
type Seen = 'works' | 'up' | 'silent' | 'unknown';

const WHAT: Record<Seen, string> = {
  works: ', while its services answer the other members',
  up: '; the other members get through to it, and none of its services answers',
  silent: ', and the other members do not reach it either: it is off, or cut off from the network',
  unknown: '',
};

const FOLLOWS: Record<Seen, string> = {
  works: 'the cluster does without pgprov there: no run changes anything on it, and nothing of it can be looked at',
  up: 'the cluster has one member less',
  silent: 'the cluster has one member less; if it comes back with its data, it joins by itself',
  unknown: 'nothing is known of it',
};

/** Of a host that has backups alone. */
const WITHOUT = 'no backup is taken there and no WAL arrives; PostgreSQL goes on, and keeps its WAL until the host is back';

function isMember({ roles }: Host, inventory: Inventory): boolean {
  return !roles.includes('backup-repository') || ['postgresql', dcsOf(inventory).role].some((role) => roles.includes(role));
}

function seenByOthers(examination: Examination, host: Host): { state: Seen; evidence: Evidence[] } {
  const tried = examination.view.inventory.hosts.flatMap(({ name }) =>
    name === host.name ? [] : reachesOf(examination, name, host).map((reach) => ({ from: name, ...reach })),
  );
  const told = tried.filter(({ result }) => result !== 'unknown');
  const state = ((): Seen => {
    if (told.length === 0) return 'unknown';
    if (told.some(({ result }) => result === 'open')) return 'works';
    return told.some(getsThrough) ? 'up' : 'silent';
  })();
  const hosts = [...new Set(told.map(({ from }) => from))];
  return {
    state,
    evidence: hosts.map((from) => ({
      host: from,
      source: 'connections to it',
      line: told.flatMap((one) => (one.from === from ? [`port ${one.port} ${one.result}`] : [])).join(', '),
    })),
  };
}

function mendOf({ name, address }: Host, reason: string, state: Seen): string {
  if (state === 'silent') return `switch ${name} on, or mend its network; then \`ssh ${address}\` shows whether it is back`;
  if (/host key/iu.test(reason)) return `see what it says of the host key: \`ssh-keygen -F ${address}\` shows the one that is known here`;
  if (/authentication|permission denied|private key|password|become root/iu.test(reason))
    return `let this login in: \`ssh ${address}\` from here, as the inventory has it, must get a shell`;
  if (/refused/iu.test(reason))
    return `start its SSH service at its console: ${enumerate(['`systemctl enable --now ssh` on Debian', '`systemctl enable --now sshd` on EL'])}`;
  return `see why SSH does not get there: \`ssh -v ${address}\` from here`;
}
