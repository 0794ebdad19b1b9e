import { pgprov, type Host, type Platform, type RunningState, type View } from '../../src/index.js';
import { hostPort } from './layout.js';

/** One host as it was seen. */
export interface Scene {
  view: View;
  host: Host;
  platform: Platform;
  running: RunningState;
}

/** A value that exists already, and the one that the inventory has. */
export interface Sight {
  wanted: string;
  seen: string;
  /** Where it was seen, as a clause that follows "but". */
  found: string;
}

/** A variable that no run of apply changes on a cluster that exists. */
export interface FixedVariable {
  /** Dotted, as in the inventory. */
  variable: string;
  /** The role whose guards ask for it. */
  role: string;
  /** Hosts may have values of their own; otherwise those of all hosts are one. */
  perHost?: true;
  /** What is wanted, and what runs or ran last; undefined where nothing exists yet, or it is unknown. */
  look(scene: Scene): Sight | undefined;
  /** What to do, given the value that exists, and the one that the inventory has. */
  hint(seen: string, about: { view: View; host: Host; wanted: string }): string;
}

/** Why a value that a cluster was made with cannot be another now. */
export const BACK = 'it was fixed when the cluster was made';

/** A member's address by an `address:port` that `where` gives; undefined where it gives none. */
export function addressSight({ host }: Scene, connect: string | undefined, where: string): Sight | undefined {
  const port = portOf(connect);
  if (connect === undefined || port === undefined) return undefined;
  const seen = connect.slice(0, -port.length - 1).replace(/^\[(.*)\]$/u, '$1');
  const isWanted = connect === hostPort(host.clusterAddress, Number(port));
  return { wanted: host.clusterAddress, seen: isWanted ? host.clusterAddress : seen, found: `${where} has the member at ${seen}` };
}

/** The port of an `address:port`. */
export function portOf(address: string | undefined): string | undefined {
  return /:(\d+)$/u.exec(address ?? '')?.[1];
}

/** What to do where a member has another address than the inventory says. */
export function readdressing(seen: string, { view, host }: { view: View; host: Host }): string {
  return `${pgprov`readdress ${view.inventory} --host ${host.name} --from ${seen}`} gives the member its new address, which its machine must have; or set it back to ${seen}`;
}
