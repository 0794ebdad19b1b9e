import type { Action, Change, Resource } from '../../src/resources/resource.js';
import type { Script } from '../../src/shell/quote.js';

const ACTIONS: readonly Action[] = ['create', 'update', 'install', 'start', 'restart', 'reload', 'enable', 'run'];

/** An absent file, a stopped server: a state that each kind of resource may be in. */
export const STATES: readonly unknown[] = [
  { type: 'absent' },
  {},
  { kind: 'absent' },
  { server: 'down' },
  { done: false },
  { answers: false },
  { file: { type: 'absent' }, listed: false },
  { loaded: true, enabled: false, active: 'inactive', applied: undefined },
  {
    firewalld: { running: true, file: undefined, runtime: [] },
    ufw: { running: true, rules: [] },
    nftables: {
      enabled: true,
      loaded: true,
      included: false,
      config: 'table inet filter {',
      file: undefined,
      tables: [{ family: 'inet', name: 'filter', hooks: [{ chain: 'input', jumps: false }], openings: [] }],
    },
  },
  {
    initialize: 'empty',
    led: false,
    underWay: false,
    configured: true,
    enabled: false,
    noted: true,
    data: { kind: 'cluster', version: '17', control: 'missing', copy: 'none', running: false },
  },
  { due: true, active: 'active' },
  { stuck: true, malformed: false, rest: { answers: false }, stored: { current: {}, revision: '1' } },
  { stuck: false, malformed: false, rest: { answers: true, current: {} } },
];

/** What a resource may send, whatever it has seen. */
export function applyScripts(resource: Resource): Script[] {
  const changes = ACTIONS.map((action): Change => ({ action, summary: 'write' }));
  // Many an apply is the same in every state, and does not look at it.
  const states = resource.apply.length < 2 ? STATES.slice(0, 1) : STATES;
  return states.flatMap((state) => {
    try {
      return [resource.apply(changes, state)];
    } catch {
      // Another kind's state.
      return [];
    }
  });
}
