import { answerText, DCS, enumerate, findRows, sqlQuestion, tellShared, type DcsState, type Json, type JsonObject, type Observation, type RoleContext, type View } from '../../src/index.js';
import { dynamicConfiguration } from './dynamic.js';
import { hostsWith, localServer, scopeOf } from './layout.js';

const RESTART_PARAMETERS = 'restart-parameters';

/** Names of the parameters that PostgreSQL takes up only when it starts, by its own word; undefined while it is down. */
export function restartParameters({ host, platform }: RoleContext): Observation<readonly string[] | undefined> {
  const query = "SELECT name FROM pg_settings WHERE context = 'postmaster' ORDER BY name";
  const rows = sqlQuestion(localServer(host, platform), query);
  return {
    id: RESTART_PARAMETERS,
    asked: 'first',
    shares: [rows],
    probe: () => tellShared(rows),
    parse: (answer) => findRows(answerText(answer), query),
  };
}

/** What a plan leaves pending: parameters that differ from the dynamic configuration and take a restart of PostgreSQL. */
export function pendingRestarts(view: View): string[] {
  const [host] = view.hosts('patroni').filter(({ name }) => name === view.inventory.leader);
  const store = view.hosts('patroni').map(({ name }) => view.read<DcsState>(name, DCS)).find((state) => state?.reachable === true);
  if (host === undefined || store?.reachable !== true || store.config === undefined) return [];
  const takeRestart = new Set(hostsWith(view.inventory, 'patroni').flatMap(({ name }) => view.read<readonly string[]>(name, RESTART_PARAMETERS) ?? []));
  const now = parametersOf(store.config as JsonObject);
  const wanted = parametersOf(dynamicConfiguration({ inventory: view.inventory, host }));
  const changing = Object.keys(wanted).filter((name) => takeRestart.has(name) && String(wanted[name]) !== String(now[name]));
  if (changing.length === 0) return [];
  return [`a restart of PostgreSQL stays pending for ${enumerate(changing)}, until you carry it out: \`patronictl restart ${scopeOf(view.inventory, host)} --pending\``];
}

function parametersOf(configuration: JsonObject): JsonObject {
  const { parameters } = objectOf(configuration['postgresql']);
  return objectOf(parameters);
}

function objectOf(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}
