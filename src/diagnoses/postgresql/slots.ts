import {
  defineDiagnosis,
  formatBytes,
  pgprov,
  SERVER_REPLICATION,
  slotNameOf,
  type Examination,
  type Finding,
  type ServerReplication,
  type SlotStatus,
} from '../../index.js';
import { slotTrouble, type SlotTrouble } from '../../../roles/shared/slots.js';
import { copiedAnew, unitOn } from '../../../roles/shared/streaming/guards.js';
import { leaderOf } from '../shared/leading.js';
import { asEvidence, linesSince, POSTGRESQL_LOGS } from '../shared/lines.js';
import { membersOf } from '../shared/members.js';
import { streamingServersOf } from '../shared/streaming.js';

const INVALIDATED = /invalidating (slot|obsolete replication slot)/u;

/** A slot is of no use any more, or holds so much WAL that the disk fills. */
export default defineDiagnosis({
  name: 'slots',
  looksAt: 'replication slots and the WAL that they hold',
  role: 'postgresql',
  find: (examination) => {
    const { view } = examination;
    return view.hosts('postgresql').flatMap(({ name: host }): Finding[] => {
      const server = view.read(host, SERVER_REPLICATION);
      if (server === undefined) return [];
      return server.slots.flatMap((slot): Finding[] => {
        const trouble = slotTrouble(slot, server);
        if (trouble === undefined || trouble === 'idle' || isToldOfLeader(examination, host, slot)) return [];
        const lines = linesSince(examination, host, { units: POSTGRESQL_LOGS, pattern: INVALIDATED }).filter(({ text }) =>
          text.includes(`"${slot.name}"`),
        );
        const idle = lines.at(-1)?.at ?? Date.parse(slot.inactiveSince ?? '');
        return [
          {
            level: 'danger',
            host,
            what: `the replication slot ${slot.name} ${whatOf(trouble, slot, server)}`,
            ...(Number.isNaN(idle) ? {} : { since: idle }),
            evidence: [{ host, source: 'pg_replication_slots', line: describe(slot) }, ...lines.slice(-1).map(asEvidence)],
            follows: FOLLOWS[trouble],
            mend: mendOf(examination, host, slot, trouble),
            affects: alsoOn(examination, host, slot),
          },
        ];
      });
    });
  },
});

/** The other members keep a slot for each member, to be ready to lead: what it suffers from that one's absence is told of the leader's. */
function isToldOfLeader(examination: Examination, host: string, { name }: SlotStatus): boolean {
  const leader = leaderOf(examination);
  if (leader === undefined || leader === host || !membersOf(examination).some((member) => slotNameOf(member) === name)) return false;
  return isInTrouble(examination, leader, name);
}

function isInTrouble({ view }: Examination, host: string, name: string): boolean {
  const server = view.read(host, SERVER_REPLICATION);
  const slot = server?.slots.find((one) => one.name === name);
  const trouble = server === undefined || slot === undefined ? undefined : slotTrouble(slot, server);
  return trouble !== undefined && trouble !== 'idle';
}

/** The members of whose slot it is told that of this one. */
function alsoOn(examination: Examination, host: string, slot: SlotStatus): string[] {
  if (host !== leaderOf(examination)) return [];
  return membersOf(examination).filter((other) => isToldOfLeader(examination, other, slot) && isInTrouble(examination, other, slot.name));
}

function describe({ name, type, active, wal = 'none', heldBytes = 0, invalidated }: SlotStatus): string {
  return `${name}: ${type}, ${active ? 'active' : 'not active'}, wal_status ${wal}, holds ${formatBytes(heldBytes)}${invalidated === undefined ? '' : `, invalidated: ${invalidated}`}`;
}

function whatOf(
  trouble: Exclude<SlotTrouble, 'idle'>,
  { heldBytes: held = 0, invalidated = '' }: SlotStatus,
  { slotLimitBytes: limit = 0 }: ServerReplication,
): string {
  const words: Record<typeof trouble, string> = {
    lost: 'has lost WAL that its user needs',
    invalid: `is of no use any more (${invalidated})`,
    powerless: `is of no use any more (${invalidated}), though its user streams`,
    losing: 'is about to lose WAL that its user needs',
    near: `holds ${formatBytes(held)} of WAL, of ${formatBytes(limit)} that max_slot_wal_keep_size allows`,
    filling: `is used by nobody and holds ${formatBytes(held)} of WAL`,
  };
  return words[trouble];
}

const COPY = 'who receives from it cannot go on, and needs a new copy';
const LOSES = 'who receives from it needs a new copy when it loses WAL that it still needs';

const FOLLOWS: Readonly<Record<Exclude<SlotTrouble, 'idle'>, string>> = {
  lost: COPY,
  invalid: COPY,
  powerless: 'no WAL is kept for its user: the next time that it is away for a while it needs a new copy',
  losing: LOSES,
  near: LOSES,
  filling: 'pg_wal grows until the disk is full, and PostgreSQL stops',
};

/** The slot of a member is Patroni's: it makes it anew where there is none. That of a standby without Patroni is pgprov's. */
function mendOf(examination: Examination, host: string, { name }: SlotStatus, trouble: SlotTrouble): string {
  const { view } = examination;
  const { inventory } = view;
  const member = membersOf(examination).find((each) => each !== host && slotNameOf(each) === name);
  const drop = pgprov`psql ${inventory} --host ${host} -- -c ${`SELECT pg_drop_replication_slot('${name}')`}`;
  if (member !== undefined && trouble === 'powerless')
    return `let Patroni make it anew, with ${member} down for a moment: ${pgprov`stop ${inventory} --host ${member}`}, then ${drop}, then ${pgprov`start ${inventory} --host ${member}`}`;
  if (member !== undefined && trouble === 'lost') return `${pgprov`rebuild ${inventory} --host ${member}`} copies the leader’s data anew`;
  const standby = streamingServersOf(examination).find((each) => each !== host && slotNameOf(each) === name);
  if (standby !== undefined && trouble === 'powerless')
    return `make it anew, with ${standby} down for a moment: \`systemctl stop ${unitOn(view, standby)}\` there, then ${pgprov`apply ${inventory}`}`;
  if (standby !== undefined && (trouble === 'lost' || trouble === 'invalid')) return copiedAnew(view, standby);
  if (standby !== undefined) return `have ${standby} stream again; if it is not to come back, take it out of the inventory, and ${drop}`;
  const copy = trouble === 'lost' || trouble === 'invalid' ? ' with a new copy' : '';
  return `have its user come back${copy}; if there is none any more, ${drop}`;
}
