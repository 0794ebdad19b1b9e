import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { rm } from 'node:fs/promises';

import { removeStaleLocks } from './lock.js';
import { MIRROR_CONTAINER } from './mirror.js';
import { inLab, LAB_ID } from './paths.js';
import { attempt } from './process.js';
import { isOver, RUN_LABEL, RUN_VARIABLE } from './run-labels.js';

/**
 * Removes what runs of this checkout's tests left whose process is gone: workers and runs of pgprov, hosts, Vagrant's machines, networks,
 * and locks of the lab. Hosts of the demo and of `npm run lab`, and those of a run that is alive, stay. Returns the names of what is gone.
 */
export async function removeLeftovers(): Promise<string[]> {
  // Before the hosts, so that none makes new ones.
  const processes = endProcesses();
  const containers =
    await listed`docker ps --all --filter ${`label=pgprov.lab=${LAB_ID}`} --filter ${`label=${RUN_LABEL}`} --format ${`{{.Label "${RUN_LABEL}"}}\t{{.ID}}\t{{.Names}}\t{{.Networks}}`}`;
  await Promise.all(containers.map(([id = '']) => attempt`docker rm --force --volumes ${id}`));
  // Vagrant makes networks of its own, without labels; one that other machines are in is not removed.
  const vagrants = new Set(
    containers.flatMap(([, , networks = '']) => networks.split(',').filter((name) => name.startsWith('vagrant_network_'))),
  );
  for (const network of vagrants) await attempt`docker network rm ${network}`;

  const networks =
    await listed`docker network ls --filter ${`label=pgprov.lab=${LAB_ID}`} --filter ${`label=${RUN_LABEL}`} --format ${`{{.Label "${RUN_LABEL}"}}\t{{.ID}}\t{{.Label "pgprov.lab.network"}}`}`;
  // By their ids, since another run may by now have made one of the same name.
  for (const [id = '', name = ''] of networks) {
    await attempt`docker network disconnect --force ${id} ${MIRROR_CONTAINER}`;
    if ((await attempt`docker network rm ${id}`).exitCode === 0) await rm(inLab('networks', name), { recursive: true, force: true });
  }
  await removeStaleLocks();
  return [
    ...processes.map((pid) => `process ${pid}`),
    ...containers.map(([, name = '']) => name),
    ...networks.map(([, name = '']) => `network ${name}`),
  ];
}

/** The further columns of a listing's lines whose first, a run, is gone; none where no engine answers. */
async function listed(pieces: TemplateStringsArray, ...values: string[]): Promise<string[][]> {
  const { stdout } = await attempt(pieces, ...values);
  return stdout.split('\n').flatMap((line) => {
    const [run, ...columns] = line.split('\t');
    return run === undefined || line === '' || !isOver(run) ? [] : [columns];
  });
}

/** Ends the processes of Node that have such a run in their environment; returns their numbers. */
function endProcesses(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/u.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        // Nothing but Node: the engine of containers may have been started by a test, and must stay.
        if (readlinkSync(`/proc/${pid}/exe`) !== process.execPath) return false;
        const run = readFileSync(`/proc/${pid}/environ`, 'utf8')
          .split('\0')
          .find((entry) => entry.startsWith(`${RUN_VARIABLE}=`));
        return run !== undefined && isOver(run.slice(RUN_VARIABLE.length + 1)) && process.kill(pid, 'SIGKILL');
      } catch {
        // It is somebody else's, or over.
        return false;
      }
    });
}
