import { sqlLiteral } from '../psql.js';

/** Parameters by name, as `ALTER ROLE … SET` and `ALTER DATABASE … SET` take them. */
export type Settings = Readonly<Record<string, string | number | boolean>>;

/** Parameters whose value is a list of names, each of which PostgreSQL quotes by itself (GUC_LIST_QUOTE in its source). */
const LISTS = new Set([
  'local_preload_libraries',
  'search_path',
  'session_preload_libraries',
  'shared_preload_libraries',
  'temp_tablespaces',
  'unix_socket_directories',
]);

/** The settings that pg_db_role_setting (as `s`) has where this holds, as an expression of SQL that gives JSON. */
export function settingsOf(where: string): string {
  return `(SELECT coalesce(json_object_agg(split_part(c, '=', 1), substr(c, strpos(c, '=') + 1)), '{}')
FROM pg_db_role_setting s, unnest(s.setconfig) c WHERE ${where})`;
}

/** The names of those that are to be set, because they are not or have another value. */
export function settingChanges(wanted: Settings, seen: Settings): string[] {
  return Object.entries(wanted).flatMap(([name, value]) => {
    // PostgreSQL spells the name of a parameter its own way, and keeps what was written as its value.
    const found = Object.entries(seen).find(([other]) => other.toLowerCase() === name.toLowerCase())?.[1];
    if (found === undefined) return [name];
    const same = isList(name)
      ? namesIn(String(found)).join('\n') === namesIn(asWritten(value)).join('\n')
      : String(found) === asWritten(value);
    return same ? [] : [name];
  });
}

/** What comes after `ALTER ROLE …` or `ALTER DATABASE …`, to give a parameter a value. */
export function setTo(name: string, value: string | number | boolean | undefined): string {
  const text = asWritten(value);
  const names = isList(name) ? namesIn(text) : [text];
  // An empty list is one empty name.
  return `SET ${name} = ${(names.length === 0 ? [''] : names).map(sqlLiteral).join(', ')}`;
}

function isList(name: string): boolean {
  return LISTS.has(name.toLowerCase());
}

/** `on` for true, as in the dynamic configuration. */
function asWritten(value: string | number | boolean | undefined): string {
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return String(value);
}

/** The names of a list: `"$user", public`. */
function namesIn(text: string): string[] {
  return [...text.matchAll(/"((?:[^"]|"")*)"|[^,\s]+/gu)].map(([word, quoted]) =>
    quoted === undefined ? word : quoted.replaceAll('""', '"'),
  );
}
