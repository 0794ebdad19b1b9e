import type { ConfigPath, Json, JsonObject } from '../resources/dynamic-config.js';
import type { ErrorLook } from './error-text.js';
import { makePaint } from './paint.js';
import { printable } from './printable.js';
import { renderTable } from './table.js';
import { wrapWords } from './width.js';

/** One setting of Patroni's dynamic configuration. */
export interface ConfigSetting {
  path: ConfigPath;
  /** As the store has it; absent where it has none. */
  value?: Json;
  /** What the inventory says, where that is something else. */
  wanted?: Json;
  by: 'the inventory' | 'a former inventory' | 'maintenance mode' | 'others';
  differs: boolean;
}

/** What a member has that is not in the dynamic configuration, or otherwise. */
export interface ConfigMember {
  host: string;
  /** Settings that its Patroni does not use as the store has them. */
  behind: readonly string[];
  /** Parameters that the inventory gives this host alone. */
  own: readonly { name: string; value: string }[];
  /** Parameters that ALTER SYSTEM has set. */
  altered: readonly { name: string; value: string }[];
  /** Parameters that take a restart to be in force. */
  pending: readonly { name: string; value: string; wanted: string }[];
}

/** What was seen of a cluster's dynamic configuration. */
export interface SeenConfig {
  cluster: string;
  settings: readonly ConfigSetting[];
  members: readonly ConfigMember[];
  /** As the store has it, without pgprov's record in it. */
  config: JsonObject;
}

/** Whether anything is otherwise than the inventory says. */
export function differsAnywhere({ settings, members }: SeenConfig): boolean {
  return settings.some(({ differs }) => differs) || members.some(({ behind, altered }) => behind.length + altered.length > 0);
}

/**
 * The dynamic configuration, a line a setting, and below it what members have of their own.
 * @param onlyDifferences leaves out what is as the inventory says
 */
export function renderConfig({ settings, members }: SeenConfig, { color, columns = Infinity }: ErrorLook, onlyDifferences = false): string {
  const paint = makePaint(color);
  const shown = settings.filter(({ differs }) => differs || !onlyDifferences);
  const rows = shown.map(({ path, value, wanted, by, differs }) => ({
    name: printable(path.join('.')),
    value: value === undefined ? 'not set' : text(value),
    by: differs ? paint.changed(by) : by,
    wanted: wanted === undefined ? '' : wanted === null ? 'not set' : text(wanted),
  }));
  const table = renderTable(
    [
      { title: 'setting', cells: rows.map(({ name }) => name) },
      { title: 'value', cells: rows.map(({ value }) => value) },
      { title: 'set by', cells: rows.map(({ by }) => by) },
      { title: 'the inventory says', cells: rows.map(({ wanted }) => wanted) },
    ],
    paint.quiet,
    columns,
  );
  const notes = members.flatMap((member) => memberLines(member, onlyDifferences)).flatMap((line) => wrapWords(line, columns));
  const blocks = [rows.length === 0 ? [] : table, notes].filter((lines) => lines.length > 0);
  return blocks.map((lines) => lines.join('\n')).join('\n\n');
}

function memberLines({ host, behind, own, altered, pending }: ConfigMember, onlyDifferences: boolean): string[] {
  return [
    ...(behind.length === 0 ? [] : [`${host}: Patroni does not use ${behind.join(', ')} as it is here`]),
    ...altered.map(({ name, value }) => `${host}: ${name} is ${value}, set by ALTER SYSTEM, which goes over all of this`),
    ...pending.map(({ name, value, wanted }) => `${host}: ${name} is ${value}, and ${wanted} after a restart`),
    ...(onlyDifferences ? [] : own.map(({ name, value }) => `${host}: ${name} is ${value}, given for this host alone`)),
  ].map(printable);
}

function text(value: Json): string {
  return printable(typeof value === 'string' ? value : JSON.stringify(value));
}
