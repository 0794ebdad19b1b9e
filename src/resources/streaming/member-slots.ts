import { findRows, psqlInput, sqlLiteral, sqlQuestion, type LocalServer } from '../psql.js';
import { answerText, digestOf, type Change, type Resource } from '../resource.js';
import { printAnswer } from '../shared-question.js';
import { STANDBY_LINE } from '../standby-signal.js';
import { enumerate } from '../../lib/enumerate.js';
import { joinScripts, sh } from '../../shell/quote.js';

/** Which slots a server has for the others of its inventory. */
export interface MemberSlotsOptions {
  /** Tells it from another of the host. */
  id: string;
  server: LocalServer;
  /** What the server is that is to have them: as long as it is down it may be either. */
  on: 'primary' | 'standby';
  /** Slots that it is to have then. */
  names: readonly string[];
  /** Slots that it may have besides, as a standby. */
  kept: readonly string[];
  /** Slots of all others: of these it keeps none that nobody uses and that it may not have. */
  ofMembers: readonly string[];
  /** Its data directory, which says whether a server that is down is a standby. */
  data: string;
}

/** What a server has of them. */
export interface MemberSlotsState {
  server: 'down' | 'primary' | 'standby';
  /** Physical slots by name; one that is `idle` holds WAL for nobody, and one that is `dead` lost WAL, and is used by nobody. */
  slots: readonly { name: string; idle: boolean; dead: boolean }[];
}

const QUERY = `SELECT '', pg_is_in_recovery(), false UNION ALL SELECT slot_name, NOT active AND restart_lsn IS NOT NULL,
  NOT active AND (wal_status = 'lost' OR to_jsonb(s) ->> 'invalidation_reason' IS NOT NULL)
  FROM pg_replication_slots s WHERE slot_type = 'physical' AND NOT temporary`;

/** What a line begins with that names a slot on the disk. */
const LEFT = '@slot ';

/**
 * The permanent slots of the standbys, on whoever is the primary: made before they connect. One that nobody uses, and that its server need not
 * have, is dropped, because it holds WAL for ever. Slots of others are left alone.
 */
export function memberSlots(options: MemberSlotsOptions): Resource<MemberSlotsState> {
  const { id, server, names, kept, ofMembers, data } = options;
  const rows = sqlQuestion(server, QUERY);
  return {
    id,
    sharedQuestions: [rows],
    // Of a standby that is down the directories of its slots tell what it will have.
    probe: () =>
      joinScripts([
        sh`if [ -e ${`${data}/standby.signal`} ]; then
echo ${STANDBY_LINE}
for slot in ${data}/pg_replslot/*/; do [ ! -d "$slot" ] || echo ${LEFT}"$(basename "$slot")"; done
fi`,
        printAnswer(rows),
      ]),
    parse: (answer) => {
      const text = answerText(answer);
      const found = (findRows(text, QUERY) ?? []).map((row) => row.split('|'));
      const [, isStandby] = found.find(([name]) => name === '') ?? [];
      const down = text.startsWith(STANDBY_LINE) ? 'standby' : 'down';
      const left = text
        .split('\n')
        .flatMap((line) => (line.startsWith(LEFT) ? [{ name: line.slice(LEFT.length), idle: true, dead: false }] : []));
      if (isStandby === undefined) return { server: down, slots: down === 'standby' ? left : [] };
      return {
        server: isStandby === 't' ? 'standby' : 'primary',
        slots: found.flatMap(([name = '', idle, dead]) => (name === '' ? [] : [{ name, idle: idle === 't', dead: dead === 't' }])),
      };
    },
    diff: (state): Change[] => {
      const { make, drop, anew } = changesOf(state, options);
      return [
        ...(anew.length === 0 ? [] : [change(`make the replication ${slots(anew)} anew, which lost WAL`)]),
        ...(make.length === 0 ? [] : [change(`make the replication ${slots(make)}`)]),
        ...(drop.length === 0
          ? []
          : [change(`drop the replication ${slots(drop)}, which nobody uses: what it holds of the WAL would fill the disk`)]),
      ];
    },
    apply: (_changes, state) => {
      const { make, drop, anew } = changesOf(state, options);
      const steps = [dropped([...drop, ...anew]), made([...make, ...anew])].filter((sql) => sql !== '');
      return sh`${psqlInput(server, steps.join('\n'))} >/dev/null`;
    },
    digest: () => digestOf(id, ...names, '', ...kept, '', ...ofMembers),
  };
}

function changesOf(
  { server, slots: there }: MemberSlotsState,
  { on, names, kept, ofMembers }: MemberSlotsOptions,
): { make: string[]; drop: string[]; anew: string[] } {
  const wanted = server === (on === 'primary' ? 'standby' : 'primary') ? [] : names;
  const others = ofMembers.filter((name) => !wanted.includes(name) && !(server === 'standby' && kept.includes(name)));
  const named = (list: typeof there): string[] => list.map(({ name }) => name);
  return {
    make: wanted.filter((name) => !named(there).includes(name)),
    drop: named(there.filter(({ name, idle, dead }) => (idle || dead) && others.includes(name))),
    anew: named(there.filter(({ name, dead }) => dead && wanted.includes(name))),
  };
}

function made(names: readonly string[]): string {
  if (names.length === 0) return '';
  return `SELECT pg_create_physical_replication_slot(name, true) FROM unnest(${array(names)}) AS name WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = name);`;
}

function dropped(names: readonly string[]): string {
  if (names.length === 0) return '';
  return `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = ANY (${array(names)}) AND NOT active;`;
}

function change(summary: string): Change {
  return { action: 'create', summary };
}

function slots(names: readonly string[]): string {
  return `${names.length === 1 ? 'slot' : 'slots'} ${enumerate(names)}`;
}

function array(names: readonly string[]): string {
  return `ARRAY[${names.map(sqlLiteral).join(', ')}]::name[]`;
}
