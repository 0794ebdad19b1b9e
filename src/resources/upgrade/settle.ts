import { writeFileScript } from '../files/writing.js';
import { gate } from '../gate.js';
import { asDatabaseUser, psql, socketOptions, type LocalServer } from '../psql.js';
import { answerText, digestOf, type Gate, type Resource } from '../resource.js';
import { sh, type Script } from '../../shell/quote.js';
import { settledFile, SETTLING_UNIT, UPGRADE_NOTES } from './place.js';

/** A new server that serves, whose extensions and statistics are the former one's, or none. */
export interface UpgradeSettledOptions {
  /** Tells this upgrade from others. */
  id: string;
  server: LocalServer;
  /** From 18 on pg_upgrade brings statistics along, and only missing ones are gathered. */
  version: number;
}

const SCRIPT = `/run/${SETTLING_UNIT}.sh`;

/** Databases that can be connected to: each by a URI, whose every byte is encoded, and by its name. */
const DATABASES =
  "SELECT 'postgresql:///?dbname=%' || regexp_replace(encode(convert_to(datname, 'UTF8'), 'hex'), '(..)(?!$)', '\\1%', 'g') || ' ' || datname FROM pg_database WHERE datallowconn ORDER BY 1";

/** Extensions of which the new major has a newer version, each by what it is called in SQL. */
const OUTDATED = `SELECT quote_ident(e.extname) FROM pg_extension e JOIN pg_available_extensions a ON a.name = e.extname WHERE a.default_version IS DISTINCT FROM e.extversion`;

/**
 * Updates the extensions of all databases, and gathers statistics in stages, or is at it: in a unit of its own, so that it goes on when pgprov is cut
 * off. An extension that cannot be updated is noted, and keeps nothing up.
 */
export function upgradeSettling(options: UpgradeSettledOptions): Resource<{ done: boolean }> {
  const { id } = options;
  const resource = `upgrade-settled:${id}`;
  return {
    id: resource,
    probe: () => sh`if [ -e ${settledFile(id)} ] || systemctl -q is-active ${SETTLING_UNIT}; then echo done; fi`,
    parse: (answer) => ({ done: answerText(answer).trim() === 'done' }),
    diff: ({ done }) => (done ? [] : [{ action: 'run', summary: 'update extensions and gather statistics' }]),
    apply: () => sh`mkdir -p ${UPGRADE_NOTES}
( ${writeFileScript(SCRIPT, settlingScript(options).text, { owner: 'root', group: 'root', mode: '0600' })} ) || exit 1
systemctl reset-failed ${SETTLING_UNIT} 2>/dev/null || :
systemd-run -q --unit=${SETTLING_UNIT} --description='extensions and statistics after pg_upgrade' /bin/sh ${SCRIPT}`,
    digest: () => digestOf(resource),
  };
}

function settlingScript({ id, server, version }: UpgradeSettledOptions): Script {
  const missing = version >= 18 ? ['--missing-stats-only'] : [];
  const analyze = sh`${`${server.binDirectory}/vacuumdb`} ${['-w', ...socketOptions(server), '--all', '--analyze-in-stages', ...missing]}`;
  const inDatabase = (statement: Script): Script => sh`printf '\\connect -reuse-previous=on %s\n%s\n' "$uri" ${statement}`;
  return sh`cd /
failed=$(mktemp /run/pgprov-upgrading.XXXXXX)
${psql(server, ['-c', DATABASES])} | while read -r uri database; do
${inDatabase(sh`${`${OUTDATED};`}`)} | ${psql(server, ['-f', '-'])} | while IFS= read -r extension; do
said=$(${inDatabase(sh`"ALTER EXTENSION $extension UPDATE;"`)} | ${psql(server, ['-f', '-'])} 2>&1) || printf '%s.%s: %s\n' "$database" "$extension" "$(printf '%s' "$said" | grep -m 1 ERROR)" >>"$failed"
done
done
${asDatabaseUser(server, analyze)} || exit 1
mv "$failed" ${settledFile(id)}
`;
}

/** Seconds in which it is waited for while nothing is analyzed. */
const STANDS_STILL = 1800;

/** Open when extensions are updated and statistics gathered. */
export function upgradeSettledGate({ id }: Pick<UpgradeSettledOptions, 'id'>): Gate {
  return gate({
    name: 'upgrade-settled',
    title: 'extensions are updated and statistics gathered',
    unit: SETTLING_UNIT,
    fatalLogPatterns: [],
    timeout: STANDS_STILL,
    progress: sh`journalctl -u ${SETTLING_UNIT} -o cat --no-pager 2>/dev/null | wc -l
journalctl -u ${SETTLING_UNIT} -o cat --no-pager 2>/dev/null | tail -n 1`,
    check: sh`[ -e ${settledFile(id)} ]`,
  });
}
