import { topologyOf, type Inventory, type Operation } from '../../../index.js';

/** Whether the servers of an inventory stream without Patroni. */
export function isStreaming({ hosts }: Pick<Inventory, 'hosts'>): boolean {
  return hosts.some((host) => topologyOf(host) === 'streaming');
}

/** Whether an inventory has one server alone: neither Patroni nor standbys. */
export function isSingle({ hosts }: Pick<Inventory, 'hosts'>): boolean {
  return hosts.some((host) => host.roles.includes('postgresql')) && hosts.every((host) => topologyOf(host) === 'single');
}

/** The roles of these servers: what they ask is what is seen. */
const ROLES = ['postgresql', 'replication'];

/** What an operation does with servers that stream without Patroni. */
export type StreamingProcedure<Options extends object> = Pick<
  Operation<Options>,
  'observations' | 'problems' | 'guards' | 'choose' | 'remaining' | 'back' | 'question' | 'nothing' | 'checks' | 'finished' | 'broken'
> & {
  /** It is also that of a server that stands alone, as the primary of no standby. */
  single?: true;
  /** Roles whose hosts are asked besides those of the servers. */
  more?(start: Parameters<Exclude<Operation<Options>['roles'], readonly string[]>>[0]): readonly string[];
};

/** An operation that has a procedure of its own where servers stream without Patroni, and the given one where Patroni runs them. */
export function withStreaming<Options extends object>(
  operation: Operation<Options>,
  streaming: StreamingProcedure<Options>,
): Operation<Options> {
  const { roles } = operation;
  const isOwn = (inventory: Inventory): boolean => isStreaming(inventory) || (streaming.single === true && isSingle(inventory));
  const partOf = (inventory: Inventory): StreamingProcedure<Options> => (isOwn(inventory) ? streaming : operation);
  return {
    ...operation,
    streaming: true,
    roles: (start) =>
      isOwn(start.inventory) ? [...ROLES, ...(streaming.more?.(start) ?? [])] : typeof roles === 'function' ? roles(start) : roles,
    observations: (context, start) => partOf(context.inventory).observations?.(context, start) ?? [],
    problems: (start) => partOf(start.inventory).problems?.(start) ?? [],
    guards: (run) => partOf(run.inventory).guards?.(run) ?? [],
    choose: (run) => partOf(run.inventory).choose?.(run) ?? run.options,
    remaining: (run) => partOf(run.inventory).remaining(run),
    back: (run) => partOf(run.inventory).back?.(run) ?? [],
    question: (run) => partOf(run.inventory).question?.(run),
    nothing: (run) => partOf(run.inventory).nothing?.(run),
    checks: (run) => partOf(run.inventory).checks?.(run) ?? [],
    finished: (run) => partOf(run.inventory).finished?.(run),
    broken: async (run, end) => partOf(run.inventory).broken?.(run, end),
  };
}
