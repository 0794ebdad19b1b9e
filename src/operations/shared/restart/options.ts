import type { PausesPools } from '../pause-pools.js';
import type { Host, OperationRun, OperationStart } from '../../../index.js';

/** Options of `pgprov restart`, and what it has chosen. */
export interface RestartOptions extends PausesPools {
  /** `postgresql` (default), `patroni` or the store of Patroni, by its name. */
  service?: string;
  /** Only members that have a restart pending. */
  pending?: boolean;
  /** The leader is restarted without a switchover. */
  inPlace?: boolean;
  /** The leader hands the lead over, which restarts it. */
  switchover?: boolean;
  /** Chosen before the first step: the leader is restarted by a switchover, though no option says so. */
  handsOver?: boolean;
  /**
   * Chosen before the first step: the hosts, and the start of what runs there, `ServerLimits.started` or a unit's. Who has another start since
   * then was restarted.
   */
  began?: Readonly<Record<string, string>>;
}

export type RestartStart = OperationStart<RestartOptions>;
export type RestartRun = OperationRun<RestartOptions>;

/** How one service is restarted. */
export interface Restarting {
  /** The hosts that have it. */
  hosts(start: Pick<RestartStart, 'inventory'>): Host[];
  /** The present start of what runs on a host; undefined: nothing runs, or it was not seen. */
  startOf(run: RestartRun, host: string): string | undefined;
}

/** Whether the host is to be restarted where it has to be. */
export function isSelected({ options: { began } }: RestartRun, host: string): boolean {
  return began !== undefined && Object.hasOwn(began, host);
}

/** Names of the hosts that the operation is about. */
export function selectedOf({ options: { began = {} } }: Pick<RestartStart, 'options'>): string[] {
  return Object.keys(began);
}
