import { findRows, psqlInput, sqlLiteral, sqlQuestion, type LocalServer } from '../psql.js';
import { answerText, digestOf, type Change, type Resource } from '../resource.js';
import { printAnswer } from '../shared-question.js';
import { enumerate } from '../../lib/enumerate.js';
import { joinScripts, sh, type Script } from '../../shell/quote.js';

/** Which slots a server has for the others of its inventory. */
export interface MemberSlotsOptions {
  server: LocalServer;
  /** Slots of those that stream from it while it is the primary. */
  ofPrimary: readonly string[];
  /** Slots of all others: of these it keeps none that nobody uses and that it has not to have. */
  ofMembers: readonly string[];
  /** Its data directory, which says whether a server that is down is a standby. */
  data: string;
}

/** What a server has of them. */
export interface MemberSlotsState {
  server: 'down' | 'primary' | 'standby';
  /** Physical slots by name; one that is `idle` holds WAL for nobody. */
  slots: readonly { name: string; idle: boolean }[];
}

const QUERY = `SELECT '', pg_is_in_recovery() UNION ALL SELECT slot_name, NOT active AND restart_lsn IS NOT NULL FROM pg_replication_slots WHERE slot_type = 'physical' AND NOT temporary`;

const STANDBY = '@standby';

/** What a line begins with that names a slot on the disk. */
const LEFT = '@slot ';

/**
 * The permanent slots of the standbys, on whoever is the primary: made before they connect. One that nobody uses, and that its server need not
 * have, is dropped, because it holds WAL for ever. Slots of others are left alone.
 */
export function memberSlots({ server, ofPrimary, ofMembers, data }: MemberSlotsOptions): Resource<MemberSlotsState> {
  const id = 'member-slots';
  const rows = sqlQuestion(server, QUERY);
  return {
    id,
    sharedQuestions: [rows],
    // Of a standby that is down the directories of its slots tell what it will have.
    probe: () =>
      joinScripts([
        sh`if [ -e ${`${data}/standby.signal`} ]; then
echo ${STANDBY}
for slot in ${data}/pg_replslot/*/; do [ ! -d "$slot" ] || echo ${LEFT}"$(basename "$slot")"; done
fi`,
        printAnswer(rows),
      ]),
    parse: (answer) => {
      const text = answerText(answer);
      const found = (findRows(text, QUERY) ?? []).map((row) => row.split('|'));
      const [, isStandby] = found.find(([name]) => name === '') ?? [];
      const down = text.startsWith(STANDBY) ? 'standby' : 'down';
      const left = text.split('\n').flatMap((line) => (line.startsWith(LEFT) ? [{ name: line.slice(LEFT.length), idle: true }] : []));
      if (isStandby === undefined) return { server: down, slots: down === 'standby' ? left : [] };
      return {
        server: isStandby === 't' ? 'standby' : 'primary',
        slots: found.flatMap(([name = '', idle]) => (name === '' ? [] : [{ name, idle: idle === 't' }])),
      };
    },
    diff: (state): Change[] => {
      const { make, drop } = changesOf(state, { ofPrimary, ofMembers });
      return [
        ...(make.length === 0 ? [] : [change(`make the replication ${slots(make)}`)]),
        ...(drop.length === 0
          ? []
          : [change(`drop the replication ${slots(drop)}, which nobody uses: what it holds of the WAL would fill the disk`)]),
      ];
    },
    apply: (_changes, state) => {
      const { make, drop } = changesOf(state, { ofPrimary, ofMembers });
      const steps: Script[] = [
        ...(make.length === 0
          ? []
          : [
              psqlInput(
                server,
                `SELECT pg_create_physical_replication_slot(name, true) FROM unnest(${array(make)}) AS name WHERE NOT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = name);`,
              ),
            ]),
        ...(drop.length === 0
          ? []
          : [
              psqlInput(
                server,
                `SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = ANY (${array(drop)}) AND NOT active;`,
              ),
            ]),
      ];
      return sh`{
${joinScripts(steps)}
} >/dev/null`;
    },
    digest: () => digestOf(id, ...ofPrimary, '', ...ofMembers),
  };
}

function changesOf(
  { server, slots: there }: MemberSlotsState,
  { ofPrimary, ofMembers }: Pick<MemberSlotsOptions, 'ofPrimary' | 'ofMembers'>,
): { make: string[]; drop: string[] } {
  const wanted = server === 'standby' ? [] : ofPrimary;
  const others = ofMembers.filter((name) => !wanted.includes(name));
  return {
    make: wanted.filter((name) => !there.some((slot) => slot.name === name)),
    drop: there.filter(({ name, idle }) => idle && others.includes(name)).map(({ name }) => name),
  };
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
