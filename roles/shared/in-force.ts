import {
  awaitedQuery,
  DCS,
  enumerate,
  gate,
  logPlaceOf,
  psql,
  SERVER_SETTINGS,
  serverSettings,
  sh,
  sqlQuestion,
  findRows,
  answerText,
  printAnswer,
  seconds,
  topologyOf,
  type CheckResult,
  type Drift,
  type Gate,
  type Host,
  type Observation,
  type RoleContext,
  type ServerSettings,
  type View,
  type WantedSettings,
} from '../../src/index.js';
import { dynamicConfiguration, hostParameters } from './dynamic.js';
import { localServer } from './layout.js';
import { wakeOwn } from './patroni/config-file.js';
import { tlsParameters } from './server-tls.js';
import { streamingSettings } from './streaming/servers.js';
import { variables } from './variables.js';

type Context = Pick<RoleContext, 'host' | 'inventory' | 'platform'>;

/** The server's parameters as they are to be in force on a host. */
export function wantedSettings(context: Context): WantedSettings {
  const { port, parameters } = variables(context.host, 'postgresql');
  if (topologyOf(context.host) !== 'patroni') {
    const streaming = topologyOf(context.host) === 'streaming' ? streamingSettings(context) : {};
    return { port, listen_addresses: '*', ...parameters, ...tlsParameters(context.host), ...streaming };
  }
  return { ...agreedSettings(context), ...hostParameters(context) };
}

/** Those of them that the members agree on through Patroni's dynamic configuration. */
function agreedSettings(context: Context): WantedSettings {
  const { parameters = {} } = dynamicConfiguration(context)['postgresql'] as { parameters?: WantedSettings };
  return parameters;
}

/**
 * A member's server has others of these in force where Patroni says so: it gives recovery parameters to standbys alone, and turns
 * hot_standby_feedback on for logical slots.
 */
const PATRONI_ADAPTS =
  /^(?:recovery_.*|restore_command|archive_cleanup_command|promote_trigger_file|hot_standby_feedback|synchronous_standby_names)$/iu;

/** What every server must have in force. */
function binding(context: Context): WantedSettings {
  const wanted = wantedSettings(context);
  if (topologyOf(context.host) !== 'patroni') return wanted;
  return Object.fromEntries(Object.entries(wanted).filter(([name]) => !PATRONI_ADAPTS.test(name)));
}

/** What the server has in force of it. */
export function settingsObservation(context: RoleContext): Observation<ServerSettings> {
  return serverSettings(localServer(context.host, context.platform), binding(context));
}

/**
 * Open when the server has in force all that it may take up without a restart. It gives up after a while without failing: which value is
 * not in force, and why, is for the checks to say.
 */
export function settingsInForceGate(context: RoleContext): Gate {
  const { host, platform } = context;
  const underPatroni = topologyOf(host) === 'patroni';
  const { version, name } = variables(host, 'postgresql');
  const server = localServer(host, platform);
  const query = awaitedQuery(binding(context));
  const rows = sqlQuestion(server, query);
  const patience = underPatroni ? variables(host, 'patroni').loop_wait + 20 : 20;
  return gate({
    name: 'settings-in-force',
    title: `PostgreSQL on ${host.name} uses its settings`,
    unit: underPatroni ? platform.patroni.unit : platform.postgresql(version).unit(name),
    fatalLogPatterns: [],
    timeout: patience + 30,
    ...(underPatroni ? { nudge: wakeOwn(context) } : { log: logPlaceOf(context) }),
    check: sh`[ "$waited" -lt ${seconds(patience)} ] || exit 0
awaited=$(${psql(server, ['-c', query])}) || exit 1
[ -z "$awaited" ] || { echo "not yet:" $awaited; exit 1; }`,
    look: {
      sharedQuestions: [rows],
      probe: () => printAnswer(rows),
      // A server that is down takes up everything when it starts.
      parse: (answer) => {
        const awaited = findRows(answerText(answer), query) ?? [];
        return { open: awaited.length === 0, seen: awaited.join(', ') };
      },
    },
  });
}

/** What the server says that is no affair of a run's: who set a value over ours, and lines that the server cannot take. */
export function settingsDrift(view: View, host: Host): Drift[] {
  const state = view.read(host.name, SERVER_SETTINGS);
  if (state?.answers !== true) return [];
  return [...overridden(view, host, state), ...unlisted(view, host, state), ...untaken(view, host, state), ...brokenLines(host, state)];
}

/** What of it contradicts the inventory, for the proof of a run. */
export function settingsCheck(view: View, host: Host): CheckResult[] {
  const state = view.read(host.name, SERVER_SETTINGS);
  if (state?.answers !== true) return [];
  const wrong = [...overridden(view, host, state), ...untaken(view, host, state, true), ...brokenLines(host, state)];
  const title = 'PostgreSQL uses the settings of the inventory';
  if (wrong.length === 0) return [{ title, ok: true, detail: settingsDetail(state), host: host.name }];
  return wrong.map(({ what, mend }) => ({ title, ok: false, detail: what, host: host.name, mend }));
}

/** `5 in force`, and those that are known to the server and wait. */
function settingsDetail({ settings }: Answered): string {
  const waiting = settings.filter(({ taken, restart }) => !taken && restart).map(({ name }) => name);
  const inForce = `${settings.length - waiting.length} in force`;
  return waiting.length === 0 ? inForce : `${inForce}; ${enumerate(waiting)} ${waiting.length === 1 ? 'waits' : 'wait'} for a restart`;
}

/** Settings of ALTER SYSTEM that the inventory says nothing of, and access lines that let nobody in. */
export function settingsRemarks(view: View, host: Host): string[] {
  const state = view.read(host.name, SERVER_SETTINGS);
  if (state?.answers !== true) return [];
  return [
    ...unlisted(view, host, state).map(({ what, mend }) => `${what}; ${mend}`),
    ...state.idleLines.map(({ line, message }) => `pg_hba.conf, line ${line}: ${message}`),
  ];
}

type Answered = Extract<ServerSettings, { answers: true }>;

const sameName = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

function reset({ name }: { name: string }, host: Host): string {
  const identifier = /^[a-z_][a-z0-9_.]*$/u.test(name) ? name : `"${name}"`;
  return `to reset it, enter in psql on ${host.name} as superuser, one after the other: \`ALTER SYSTEM RESET ${identifier};\` and \`SELECT pg_reload_conf();\``;
}

function overridden(_view: View, host: Host, { settings, altered }: Answered): Drift[] {
  return altered.flatMap((own): Drift[] => {
    const setting = settings.find(({ name }) => sameName(name, own.name));
    if (setting === undefined || setting.taken) return [];
    const what = `${setting.name} is ${own.value}, set by ALTER SYSTEM, which overrides the inventory’s ${setting.wanted}`;
    return [{ host: host.name, what, mend: reset(own, host) }];
  });
}

function unlisted(_view: View, host: Host, { settings, altered }: Answered): Drift[] {
  return altered
    .filter((own) => !settings.some(({ name }) => sameName(name, own.name)))
    .map((own) => ({
      host: host.name,
      what: `${own.name} is ${own.value}, set by ALTER SYSTEM; the inventory does not give it`,
      mend: `${reset(own, host)}; or give it in postgresql.parameters`,
    }));
}

/** Values that the server was told and has not in force; before a run (`after` is false) only where it was told for certain. */
function untaken(view: View, host: Host, { settings, altered, fileErrors }: Answered, after = false): Drift[] {
  return settings.flatMap((setting): Drift[] => {
    const { name, wanted, value, taken, restart } = setting;
    if (taken || restart || altered.some((own) => sameName(own.name, name)) || fileErrors.some((line) => sameName(line.name, name)))
      return [];
    if (!after && !setting.told && !isAgreed(view, host, name, wanted)) return [];
    const is = value === '' ? `${name} is not set` : `${name} is ${value}`;
    return [
      {
        host: host.name,
        what: `${is}, the inventory says ${wanted}: the server did not take over the configured value`,
        mend:
          topologyOf(host) === 'patroni'
            ? `the journal of Patroni on ${host.name} says why`
            : `the log of PostgreSQL on ${host.name} says why`,
      },
    ];
  });
}

/** Whether Patroni's dynamic configuration has the wanted value, so that the member was told. */
function isAgreed(view: View, host: Host, name: string, wanted: string): boolean {
  if (topologyOf(host) !== 'patroni') return false;
  const store = view.read(host.name, DCS);
  const postgresql =
    store?.reachable === true ? (store.config?.['postgresql'] as { parameters?: Record<string, unknown> } | undefined) : undefined;
  const agreed = postgresql?.parameters?.[name];
  return agreed !== undefined && String(agreed) === wanted;
}

function brokenLines(host: Host, { fileErrors, accessErrors }: Answered): Drift[] {
  return [
    ...fileErrors.map(
      ({ file, line, name, message }): Drift => ({
        host: host.name,
        what: `${file}, line ${line}: ${name === '' ? '' : `${name}: `}${message}`,
        mend: `correct the value in the inventory, or the file where pgprov does not write it; until then a restart of PostgreSQL on ${host.name} may fail`,
      }),
    ),
    ...accessErrors.map(
      ({ line, message }): Drift => ({
        host: host.name,
        what: `pg_hba.conf, line ${line}: ${message}`,
        mend: 'correct the line; until then the access lines of the last start or successful reload are in force, and PostgreSQL would not start again',
      }),
    ),
  ];
}
