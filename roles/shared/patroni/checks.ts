import {
  DCS,
  mendParted,
  partedStandby,
  PATRONI_MEMBER,
  streamsTo,
  unitCommandsHandle,
  type CheckResult,
  type Drift,
  type Host,
  type Objection,
  type PatroniMemberState,
  type View,
} from '../../../src/index.js';
import { variables } from '../variables.js';

/** Whether there is a leader, every member runs, and every replica streams. */
export function checkCluster(view: View): CheckResult[] {
  const hosts = view.hosts('patroni');
  const members = hosts.map((host) => ({ host, state: view.read(host.name, PATRONI_MEMBER) }));
  const answering = members.flatMap(({ host, state }) => (state?.answers === true ? [{ host, state }] : []));
  const cluster = answering[0]?.state.cluster ?? [];
  const leader = cluster.find(({ role }) => role === 'leader' || role === 'master');
  if (hosts.length === 0) return [];
  const running = members.map(
    ({ host, state }): CheckResult => ({
      title: 'Patroni’s member runs',
      ok: state?.answers === true && (state.state === 'running' || state.state === 'streaming'),
      detail: state?.answers === true ? `${state.role}, ${state.state}, timeline ${state.timeline ?? '?'}` : 'the REST API does not answer',
      host: host.name,
      settles: true,
    }),
  );
  const leading = answering.find(({ host }) => host.name === leader?.name);
  return [
    {
      title: 'the cluster has a leader',
      ok: leader !== undefined,
      detail: leader?.name ?? 'no member holds the leader lock',
      settles: true,
    },
    ...running,
    ...(leading === undefined ? [] : streaming(view, leading.host, leading.state)),
  ];
}

type Answering = Extract<PatroniMemberState, { answers: true }>;

function streaming(view: View, leader: Host, leading: Answering): CheckResult[] {
  const seen = leading.replication.map(({ application, state }) => `${application} ${state}`).join(', ') || 'none';
  return view.hosts('patroni').flatMap((host): CheckResult[] => {
    const member = view.read(host.name, PATRONI_MEMBER);
    if (member?.answers !== true || member.role !== 'replica') return [];
    const result = { title: 'the replica streams', host: host.name, settles: true } as const;
    if (streamsTo(leading, host.name)) return [{ ...result, ok: true, detail: 'as the leader sees it' }];
    const parted = partedStandby(member, leader.name, leading);
    return parted === undefined
      ? [{ ...result, ok: false, detail: `the leader has no streaming connection from it (it has: ${seen})` }]
      : [{ ...result, ok: false, detail: `it ${parted}`, mend: mendParted(view.inventory.file, host.name) }];
  });
}

/** What somebody's drop-ins have Patroni's unit run; pgprov does not touch files that others made. */
export function commandsDrift(view: View, host: Host): Drift[] {
  const unit = view.platform(host.name)?.patroni.unit ?? '';
  return (view.read(host.name, unitCommandsHandle(unit)) ?? []).map(({ file, line }) => ({
    host: host.name,
    what: `${file} makes ${unit} run a command that neither its package nor pgprov sets: ${line}`,
    mend: `\`rm ${file} && systemctl daemon-reload\` on ${host.name} removes it, from the next start of ${unit} on`,
  }));
}

/** The same, for the proof of a run. */
export function commandsCheck(view: View, host: Host): CheckResult[] {
  return commandsDrift(view, host).map(({ what, mend }) => ({
    title: 'Patroni’s unit runs Patroni alone',
    ok: false,
    detail: what,
    mend,
    host: host.name,
  }));
}

/** True in maintenance mode, as the store has it. */
export function isPaused(view: View): boolean {
  return view.hosts('patroni').some((host) => {
    const store = view.read(host.name, DCS);
    return store?.reachable === true && store.config?.['pause'] === true;
  });
}

/** Patroni adjusts a lease that is too short by itself and silently; better to say so. */
export function shortLease(view: View): Objection[] {
  const [host] = view.hosts('patroni');
  if (host === undefined) return [];
  const { ttl, loop_wait, retry_timeout } = variables(host, 'patroni');
  const least = loop_wait + 2 * retry_timeout;
  if (ttl >= least) return [];
  return [
    {
      kind: 'preflight',
      message: `patroni.ttl is ${ttl} s, but loop_wait + 2 × retry_timeout is ${least} s: a leader would lose its lease while it still tries`,
      hint: `raise patroni.ttl to at least ${least}, or lower the other two`,
    },
  ];
}
