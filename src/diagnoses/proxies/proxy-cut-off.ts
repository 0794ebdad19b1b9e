import {
  defineDiagnosis,
  HAPROXY,
  PATRONI_MEMBER,
  PORTS,
  type Examination,
  type Finding,
  type Host,
  type ProxyServer,
  type Reach,
} from '../../index.js';
import { givesNoAnswer } from '../../../roles/shared/haproxy/told.js';
import { proxiedMembers } from '../../../roles/shared/haproxy/members.js';
import { variables } from '../../../roles/shared/variables.js';
import { leaderOf } from '../shared/leading.js';
import { reachesOf } from '../shared/reach.js';

/** A member works, and an HAProxy cannot ask its Patroni, or gets no connection to its PostgreSQL, which HAProxy itself does not check. */
export default defineDiagnosis({
  name: 'proxy-cut-off',
  looksAt: 'the ways from HAProxy to the members',
  role: 'haproxy',
  find: (examination) =>
    examination.view
      .hosts('haproxy')
      .flatMap((proxy) => proxiedMembers(examination.view.inventory).flatMap((member) => cutOff(examination, proxy, member))),
});

/** How a way fails: turned away, without an answer, kept from the host's own program, or too late an answer. */
type Failure = 'refused' | 'filtered' | 'forbidden' | 'slow' | 'unreachable';

function cutOff(examination: Examination, proxy: Host, member: Host): Finding[] {
  const { view } = examination;
  const server = view
    .read(proxy.name, HAPROXY)
    ?.backends.get('leader')
    ?.find(({ name }) => name === member.name);
  if (server === undefined || examination.unseen.has(member.name)) return [];
  // What does not answer its own host either is told of that host.
  const isAsked = view.read(member.name, PATRONI_MEMBER)?.answers === true;
  if (isAsked && givesNoAnswer(server)) return [unasked(examination, { proxy, member, server })];
  const { port } = variables(member, 'postgresql');
  const reach = reachesOf(examination, proxy.name, member).find((one) => one.port === port);
  const failure = failureOf(reach);
  const listens = (view.read(member.name, PORTS) ?? []).some((listener) => listener.port === port);
  return failure === undefined || !listens ? [] : [unconnected(examination, { proxy, member, server, port, failure })];
}

interface Way {
  proxy: Host;
  member: Host;
  server: ProxyServer;
}

/** HAProxy's checks end before Patroni said anything. */
function unasked(examination: Examination, { proxy, member, server }: Way): Finding {
  const port = variables(member, 'patroni').restapi_port;
  const failure = checkFailure(server);
  const isLeader = leaderOf(examination) === member.name;
  const reach = reachesOf(examination, proxy.name, member).find((one) => one.port === port);
  const said = `${server.name}: ${[server.status, server.check, server.words ?? []].flat().join(', ')}`;
  const isOwn = reach?.result === 'open' && failure !== 'slow';
  return {
    level: isLeader ? 'broken' : 'danger',
    host: proxy.name,
    unit: 'haproxy',
    what: `HAProxy gets no answer of Patroni on ${member.name}, port ${port}: ${FAILURES[failure]}`,
    evidence: [
      { host: proxy.name, source: 'HAProxy’s statistics', line: said },
      ...evidenceOf(proxy, member, reach),
      { host: member.name, source: 'Patroni', line: 'it answers its own host' },
    ],
    follows: isLeader
      ? `${member.name} leads, and no client gets to it through ${proxy.name}`
      : `after a switchover to ${member.name} no client would get to it through ${proxy.name}, and no reader does now`,
    mend: isOwn
      ? `the host itself gets through, so something holds up HAProxy alone: \`ausearch -m avc -ts recent -c haproxy\` and \`nft list ruleset\` on ${proxy.name} say what`
      : mendOf(failure, { proxy, member, port }),
    explains: ['way-closed'],
  };
}

/** HAProxy leads clients there, whose connections fail. */
function unconnected(
  examination: Examination,
  { proxy, member, server, port, failure }: Way & { port: number; failure: Failure },
): Finding {
  const isLeader = leaderOf(examination) === member.name;
  return {
    level: isLeader ? 'broken' : 'danger',
    host: proxy.name,
    unit: 'haproxy',
    what: `it gets no connection to PostgreSQL on ${member.name}, port ${port}: ${FAILURES[failure]}`,
    evidence: [
      { host: proxy.name, source: `connections to ${member.name}`, line: `${failure}: ${port}` },
      { host: proxy.name, source: 'HAProxy’s statistics', line: `${server.name}: ${server.status}, by what Patroni says on another port` },
      { host: member.name, source: 'its ports', line: `something listens on ${port}` },
    ],
    follows: isLeader
      ? `HAProxy leads clients to ${member.name}, and their connections fail`
      : `HAProxy leads readers to ${member.name} where it is fit for them, and would lead all clients there once it leads: their connections fail`,
    mend: mendOf(failure, { proxy, member, port }),
    explains: ['way-closed'],
  };
}

const FAILURES: Readonly<Record<Failure, string>> = {
  refused: 'it is turned away (connection refused), although the member listens',
  filtered: 'no packet comes back (filtered)',
  forbidden: 'its own host forbids it',
  slow: 'it connects, and no answer comes in time (slow)',
  unreachable: 'there is no route to it',
};

/** Why a check failed (HAProxy's management guide, 9.1, check_status). */
function checkFailure({ check, words = '' }: ProxyServer): Failure {
  if (check.startsWith('SOCKERR') || /denied|not permitted/iu.test(words)) return 'forbidden';
  if (check.startsWith('L7TOUT')) return 'slow';
  if (/TOUT$/u.test(check)) return 'filtered';
  return /unreachable|no route/iu.test(words) ? 'unreachable' : 'refused';
}

function failureOf(reach: Reach | undefined): Failure | undefined {
  const result = reach?.result;
  return result === 'refused' || result === 'filtered' || result === 'unreachable' ? result : undefined;
}

function evidenceOf(proxy: Host, member: Host, reach: Reach | undefined): Finding['evidence'] {
  return reach === undefined ? [] : [{ host: proxy.name, source: `connections to ${member.name}`, line: `${reach.result}: ${reach.port}` }];
}

function mendOf(failure: Failure, { proxy, member, port }: { proxy: Host; member: Host; port: number }): string {
  const rules = `\`{ nft list ruleset; iptables-save; } 2>/dev/null | grep -nE 'drop|reject|DROP|REJECT'\`, as root on ${member.name}`;
  const who = `${proxy.name} (${proxy.clusterAddress})`;
  if (failure === 'forbidden')
    return `let HAProxy connect there: on Rocky \`getsebool haproxy_connect_any\` must say on; \`journalctl -u haproxy\` on ${proxy.name} says what forbids it`;
  if (failure === 'slow')
    return `see on ${member.name} what takes Patroni so long, its load first: \`uptime; journalctl -u patroni -n 50\`; HAProxy waits three seconds`;
  if (failure === 'refused')
    return `find the rule that turns ${who} away, or what listens there on another address: ${rules}, and \`ss -ltnp sport = :${port}\``;
  return `find the rule that keeps ${who} out, on ${member.name} or between the two: ${rules}`;
}
