import { rm } from 'node:fs/promises';

import { removeStaleLocks } from './lock.js';
import { removeNetwork } from './network.js';
import { isGone } from './owner.js';
import { inLab, LAB_ID } from './paths.js';
import { attempt } from './process.js';
import { CHECKOUT_LABEL, RUN_LABEL, THIS_CHECKOUT } from './run-labels.js';

/**
 * Removes what runs of this checkout's tests left whose process is gone: hosts, Vagrant's machines, networks, and locks of the
 * lab. Hosts of the demo and of `npm run lab`, and those of a run that is alive, stay. Returns the names of what is gone.
 */
export async function removeLeftovers(): Promise<string[]> {
  const containers = await listed`docker ps --all --filter ${`label=pgprov.lab=${LAB_ID}`} --filter ${`label=${CHECKOUT_LABEL}=${THIS_CHECKOUT}`} --format ${`{{.Label "${RUN_LABEL}"}}\t{{.Names}}\t{{.Networks}}`}`;
  await Promise.all(containers.map(([name = '']) => attempt`docker rm --force --volumes ${name}`));
  // Vagrant makes networks of its own, without labels; one that other machines are in is not removed.
  const vagrants = new Set(containers.flatMap(([, networks = '']) => networks.split(',').filter((name) => name.startsWith('vagrant_network_'))));
  for (const network of vagrants) await attempt`docker network rm ${network}`;

  const networks = await listed`docker network ls --filter ${`label=pgprov.lab=${LAB_ID}`} --filter ${`label=${CHECKOUT_LABEL}=${THIS_CHECKOUT}`} --format ${`{{.Label "${RUN_LABEL}"}}\t{{.Label "pgprov.lab.network"}}`}`;
  for (const [name = ''] of networks) {
    await removeNetwork(name);
    await rm(inLab('networks', name), { recursive: true, force: true });
  }
  await removeStaleLocks();
  return [...containers.map(([name = '']) => name), ...networks.map(([name = '']) => `network ${name}`)];
}

/** The further columns of a listing's lines whose first, a run, is gone; none where no engine answers. */
async function listed(pieces: TemplateStringsArray, ...values: string[]): Promise<string[][]> {
  const { stdout } = await attempt(pieces, ...values);
  return stdout.split('\n').flatMap((line) => {
    const [run, ...columns] = line.split('\t');
    return run === undefined || line === '' || !isGone(run) ? [] : [columns];
  });
}
