import type { FromSchema, Host } from '../../../src/index.js';
import type { TUNE_VARIABLE } from '../sections/tune.js';

/** What `postgresql.tune` gives. */
export type Tune = FromSchema<typeof TUNE_VARIABLE>;

/** A parameter that follows from a machine and its work. */
export interface Tuned {
  name: string;
  value: string | number;
  /** The arithmetic, in words: `a quarter of 16GB`. */
  why: string;
}

type Given = Readonly<Record<string, unknown>>;

const MB_OF_GB = 1024;

/** Clients that each kind of work has at once, where the inventory gives no `max_connections`. */
const CONNECTIONS: Readonly<Record<Tune['workload'], number>> = { oltp: 200, mixed: 100, olap: 100 };

/** Sorts and hashes that run at once in the queries of one connection, by and large. */
const SORTS: Readonly<Record<Tune['workload'], number>> = { oltp: 3, mixed: 3, olap: 2 };

/** WAL in GB between two checkpoints that are due to its amount, as far as memory and disk go. */
const WAL: Readonly<Record<Tune['workload'], number>> = { oltp: 4, mixed: 4, olap: 8 };

/**
 * The parameters, in the order in which they follow from each other. Sizes are whole MB.
 * @param given what the inventory gives as parameters: the arithmetic goes on from it
 */
export function tunedParameters({ workload, memory, cores, storage = 'ssd' }: Tune, given: Given = {}): Tuned[] {
  const total = megabytes(memory);
  const connections = Number(given['max_connections'] ?? CONNECTIONS[workload]);
  const buffers = Math.floor(total / 4);
  const wal = Math.max(1, Math.min(WAL[workload], Math.floor(total / MB_OF_GB / 2)));
  const inOne = workload === 'oltp' ? Math.min(2, cores) : Math.max(1, Math.ceil(cores / 2));
  const maintaining = Math.max(1, Math.min(4, Math.ceil(cores / 2)));
  return [
    { name: 'max_connections', value: CONNECTIONS[workload], why: `for ${workload}` },
    { name: 'shared_buffers', value: size(buffers), why: `a quarter of ${memory}` },
    {
      name: 'effective_cache_size',
      value: size(Math.floor((total * 3) / 4)),
      why: `three quarters of ${memory}: what PostgreSQL and the system cache`,
    },
    {
      name: 'work_mem',
      value: size(Math.max(4, Math.floor((total - buffers) / connections / SORTS[workload]))),
      why: `${memory} without shared_buffers, over ${connections} connections with ${SORTS[workload]} sorts each; 4MB at least`,
    },
    {
      name: 'maintenance_work_mem',
      value: size(Math.max(64, Math.min(2048, Math.floor(total / 16)))),
      why: `a sixteenth of ${memory}; 64MB at least, 2GB at most`,
    },
    {
      name: 'max_wal_size',
      value: size(wal * MB_OF_GB),
      why: `${WAL[workload]}GB for ${workload}, half of ${memory} at most; 1GB at least`,
    },
    { name: 'min_wal_size', value: size((wal * MB_OF_GB) / 4), why: 'a quarter of max_wal_size' },
    {
      name: 'max_worker_processes',
      value: Math.max(8, cores + 4),
      why: `${cores} cores and 4 for what replicates and maintains; 8 at least`,
    },
    { name: 'max_parallel_workers', value: Math.max(2, cores), why: `${cores} cores; 2 at least` },
    { name: 'max_parallel_workers_per_gather', value: inOne, why: workload === 'oltp' ? '2 at most for oltp' : `half of ${cores} cores` },
    { name: 'max_parallel_maintenance_workers', value: maintaining, why: `half of ${cores} cores, 4 at most` },
    ...(storage === 'ssd'
      ? [
          { name: 'random_page_cost', value: 1.1, why: 'on an ssd a page anywhere costs hardly more than the next one' },
          { name: 'effective_io_concurrency', value: 200, why: 'an ssd answers many requests at once' },
        ]
      : []),
    ...(workload === 'olap'
      ? [{ name: 'default_statistics_target', value: 500, why: 'plans of large queries are worth the longer ANALYZE' }]
      : []),
  ];
}

/** Those that the inventory of a host asks for and does not give itself. */
export function tunedOf({ vars }: Pick<Host, 'vars'>): Tuned[] {
  const { tune, parameters = {} } = (vars['postgresql'] ?? {}) as { tune?: Tune; parameters?: Given };
  const given = new Map(Object.entries(parameters).map(([name, value]) => [name.toLowerCase(), value]));
  if (tune === undefined) return [];
  return tunedParameters(tune, Object.fromEntries(given)).filter(({ name }) => !given.has(name));
}

/** Bytes of a size in MB or GB. */
export function bytesOf(memory: string): number {
  return megabytes(memory) * 2 ** 20;
}

function megabytes(memory: string): number {
  return Number.parseInt(memory, 10) * (memory.endsWith('GB') ? MB_OF_GB : 1);
}

function size(mb: number): string {
  return mb % MB_OF_GB === 0 ? `${mb / MB_OF_GB}GB` : `${mb}MB`;
}
