import { ansible, mitogen } from './ansible.js';
import type { ClusterContender } from './contender.js';
import { CONTENDERS, type ContenderName } from './names.js';
import { pgprov } from './pgprov.js';
import { script } from './script.js';
import { ssh2Version } from './ssh2.js';

/** Those who make clusters, in the order in which they take turns. */
const CLUSTER_CONTENDERS: readonly ClusterContender[] = [pgprov, ansible, mitogen, script];

/** Comes with the Patroni of the hosts, so it can always take part. */
const PATRONICTL = { name: 'patronictl' as const, version: async () => 'of the Patroni that the hosts have' };

/** Who takes part in a run of the benchmark. */
export interface Roll {
  names: ContenderName[];
  clusterContenders: ClusterContender[];
  /** By name. */
  versions: Record<string, string>;
  /** Why somebody who was asked for takes no part, by name. */
  missing: Record<string, string>;
}

/** Finds out who of those asked for can take part on this machine. */
export async function takeRoll(asked: readonly ContenderName[]): Promise<Roll> {
  const roll: Roll = { names: [], clusterContenders: [], versions: {}, missing: {} };
  const present = [...CLUSTER_CONTENDERS, { name: 'ssh2' as const, version: ssh2Version }, PATRONICTL];
  for (const name of Object.keys(CONTENDERS) as ContenderName[]) {
    const contender = present.find((one) => one.name === name);
    if (!asked.includes(name) || contender === undefined) {
      roll.missing[name] = 'it was not asked for';
      continue;
    }
    try {
      roll.versions[name] = await contender.version();
      roll.names.push(name);
      if ('apply' in contender) roll.clusterContenders.push(contender);
    } catch (error) {
      roll.missing[name] = error instanceof Error ? error.message : String(error);
    }
  }
  return roll;
}
