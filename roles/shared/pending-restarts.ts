import {
  answerText,
  DCS,
  enumerate,
  findRows,
  PATRONI_MEMBER,
  PENDING_RESTART,
  sqlQuestion,
  printAnswer,
  handle,
  pgprov,
  type Drift,
  type Json,
  type JsonObject,
  type Observation,
  type RoleContext,
  type StatusLine,
  type View,
} from '../../src/index.js';
import { dynamicConfiguration } from './dynamic.js';
import { hostsWith, localServer } from './layout.js';

const RESTART_PARAMETERS = handle<readonly string[] | undefined>('restart-parameters');

/** Names of the parameters that PostgreSQL takes up only when it starts, by its own word; undefined while it is down. */
export function restartParameters({ host, platform }: RoleContext): Observation<readonly string[] | undefined> {
  const query = "SELECT name FROM pg_settings WHERE context = 'postmaster' ORDER BY name";
  const rows = sqlQuestion(localServer(host, platform), query);
  return {
    ...RESTART_PARAMETERS,
    when: 'start',
    sharedQuestions: [rows],
    probe: () => printAnswer(rows),
    parse: (answer) => findRows(answerText(answer), query),
  };
}

/** What a plan leaves pending: parameters that differ from the dynamic configuration and take a restart of PostgreSQL. */
export function pendingRestarts(view: View): string[] {
  const [host] = view.hosts('patroni').filter(({ name }) => name === view.inventory.leader);
  const store = view
    .hosts('patroni')
    .map(({ name }) => view.read(name, DCS))
    .find((state) => state?.reachable === true);
  if (host === undefined || store?.reachable !== true || store.config === undefined) return [];
  const takeRestart = new Set(hostsWith(view.inventory, 'patroni').flatMap(({ name }) => view.read(name, RESTART_PARAMETERS) ?? []));
  const now = parametersOf(store.config as JsonObject);
  const wanted = parametersOf(dynamicConfiguration({ inventory: view.inventory, host }));
  const changing = Object.keys(wanted).filter((name) => takeRestart.has(name) && String(wanted[name]) !== String(now[name]));
  if (changing.length === 0) return [];
  return [
    `PostgreSQL needs a restart for ${enumerate(changing)}; when it suits you, run ${restartCommand(view)}, which restarts one member at a time`,
  ];
}

/** That a member's PostgreSQL does not use what it was told before it is restarted, by Patroni's word. */
export function restartDrift(view: View, { name: host }: { name: string }): Drift[] {
  const member = view.read(host, PATRONI_MEMBER);
  if (member?.answers !== true || !member.pendingRestart) return [];
  return [
    {
      host,
      what: 'PostgreSQL needs a restart',
      mend: `when it suits you, run ${restartCommand(view)}`,
      waits: true,
    },
  ];
}

/** The same for a status, with what waits for the restart. */
export function pendingLines(view: View, { name: host }: { name: string }): StatusLine[] {
  const member = view.read(host, PATRONI_MEMBER);
  if (member?.answers !== true || !member.pendingRestart) return [];
  const reasons = Object.entries(member.cluster.find(({ name }) => name === host)?.pendingReasons ?? {});
  const waiting = reasons.length > 0 ? reasons.map(waitingWords) : (view.read(host, PENDING_RESTART) ?? []);
  const what = waiting.length === 0 ? '' : ` for ${enumerate(waiting)}`;
  return [{ level: 'warning', text: `PostgreSQL needs a restart${what}; ${restartCommand(view)} does it` }];
}

function waitingWords([name, { from, to }]: [string, { from: string; to: string }]): string {
  return `${name}=${to === '' ? 'its default' : to} (is ${from === '' ? 'not set' : from})`;
}

/** The same as a remark on a host, in the same words on all hosts, so that it is reported once. */
export function restartRemarks(view: View, host: { name: string }): string[] {
  return restartDrift(view, host).map(({ what, mend }) => `${what}; ${mend}`);
}

function restartCommand({ inventory }: View): string {
  return pgprov`restart ${inventory} --pending`;
}

function parametersOf(configuration: JsonObject): JsonObject {
  const { parameters } = objectOf(configuration['postgresql']);
  return objectOf(parameters);
}

function objectOf(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}
