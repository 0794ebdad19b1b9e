import { enumerate, pgprov, type CheckResult, type Drift, type Inventory, type StreamingWords, type View } from '../../../src/index.js';
import { guardParted } from './guards.js';
import { synchronousOf } from './synchronous.js';
import { isJoining, primaryOf, seenServers, REPLAY_PAUSED } from './seen.js';

/** That another server is the primary than the inventory says: told by every command that looks, and settled by a person. */
export function leaderDrift(view: View): Drift[] {
  const primary = primaryOf(view);
  const { inventory } = view;
  if (primary === undefined || primary.says === undefined || primary.name === inventory.leader) return [];
  return [
    {
      host: primary.name,
      allowed: true,
      what: `${primary.name} is the primary, and the inventory says ${inventory.leader} (${placeOf(inventory)}); pgprov goes by what is`,
      mend: `${inventory.leaderLine === undefined ? `write \`leader: ${primary.name}\` at the top of the inventory` : `make \`leader: ${primary.name}\` of that line`}, if it is to stay so (${pgprov`settle ${inventory}`} does)`,
    },
  ];
}

/** The same for who has just made it so, as a sentence; none where the inventory says what is. */
export function otherLeaderText(view: View): string[] {
  return leaderDrift(view).map(
    ({ mend }) =>
      `The inventory says ${view.inventory.leader} (${placeOf(view.inventory)}), and every command tells so until that is settled: ${mend}`,
  );
}

/** That a server can never stream again, which no apply ends. */
export function partedDrift(view: View): Drift[] {
  return guardParted(view).flatMap(({ host, message, hint }) => (host === undefined ? [] : [{ host, what: message, mend: hint }]));
}

function placeOf({ file, leaderLine }: Inventory): string {
  const name = file.slice(file.lastIndexOf('/') + 1);
  return leaderLine === undefined ? 'its first host, where it names no leader' : `${name}:${leaderLine}`;
}

/** Whether there is one primary, and every standby streams from it. */
export function checkStreaming(view: View): CheckResult[] {
  const servers = seenServers(view);
  if (servers.length === 0) return [];
  const open = servers.filter(({ says }) => says?.standby === false);
  const [primary] = open;
  const found: CheckResult = {
    title: 'one server is the primary',
    ok: open.length === 1,
    detail: open.length === 0 ? 'no server takes writes' : enumerate(open.map(({ name }) => name)),
    settles: true,
  };
  const standbys = servers.filter(({ name, says }) => says?.standby !== false && !isJoining(view, name));
  return [
    found,
    ...(primary?.says === undefined ? [] : synchronousCheck(view, primary.name, primary.says)),
    ...standbys.map(({ name, says }): CheckResult => {
      const sent = servers.flatMap((server) => server.says?.sends ?? []).find((target) => target.name === name);
      const ok = says?.receives === true && (primary === undefined || sent?.state === 'streaming');
      const seen =
        says === undefined
          ? 'PostgreSQL does not answer'
          : says.receives
            ? 'it receives'
            : `it receives nothing${says.paused === true ? `, and ${REPLAY_PAUSED}` : ''}`;
      const detail = ok
        ? `timeline ${says?.timeline}`
        : `${seen}; ${sent === undefined ? 'no server has a connection from it' : `its sender has it as ${sent.state}`}`;
      return { title: 'the standby streams', ok, detail, host: name, settles: true };
    }),
  ];
}

/** Whether commits wait for as many standbys as they are to. */
function synchronousCheck({ inventory }: View, name: string, { sends }: StreamingWords): CheckResult[] {
  const host = inventory.hosts.find((candidate) => candidate.name === name);
  const number = host === undefined ? 0 : synchronousOf(host).number;
  if (number === 0) return [];
  const waited = sends.filter(({ sync }) => sync === 'sync' || sync === 'quorum').map((target) => target.name);
  const detail = waited.length === 0 ? 'none is synchronous' : enumerate(waited);
  return [{ title: 'commits wait for synchronous standbys', ok: waited.length >= number, detail, host: name, settles: true }];
}
