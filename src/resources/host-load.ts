import { sh } from '../shell/quote.js';
import { handle } from './handle.js';
import { answerLines, type Observation } from './resource.js';

/** How much a host has to do. */
export interface HostLoad {
  /** Load average of the last minute; undefined where it is not known. */
  load: number | undefined;
  processors: number | undefined;
}

/** The observation's id. */
export const HOST_LOAD = handle<HostLoad>('host-load');

/** Asks the kernel. */
export function hostLoad(): Observation<HostLoad> {
  return {
    ...HOST_LOAD,
    probe: () => sh`cut -d ' ' -f 1 /proc/loadavg
nproc`,
    parse: (answer) => {
      const [load, processors] = answerLines(answer).map(Number);
      const known = (value: number | undefined): number | undefined => (value === undefined || Number.isNaN(value) ? undefined : value);
      return { load: known(load), processors: known(processors) };
    },
  };
}

/** Whether the host has had more to run in the last minute than it has processors. */
export function isBusy({ load, processors }: HostLoad): boolean {
  return load !== undefined && processors !== undefined && load > processors;
}
