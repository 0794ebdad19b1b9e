import { handle, type Handle } from './handle.js';
import { joinScripts, Script, sh } from '../shell/quote.js';
import { answerText, type Observation } from './resource.js';

/** A unit whose program takes its settings from variables of its environment, and what they are to be. */
export interface UnitInForceOptions {
  /** Unit name without `.service`. */
  unit: string;
  /**
   * Variables that count, by name, with the values that they must have; undefined: it must not be set. Values of no others are
   * read from the host, so a variable with a secret must not be among them.
   */
  variables: Readonly<Record<string, string | undefined>>;
  /** The file of ours that systemd is to read the variables from; it is taken to hold the values that are wanted. */
  environmentFile: string;
  /**
   * The variable that stands for an option of the program: `client-cert-auth` is `ETCD_CLIENT_CERT_AUTH`; default: options do not count.
   */
  variableOf?(option: string): string;
  /** Drop-ins that pgprov itself wrote; they are not listed. */
  ours?: readonly string[];
}

/** A setting that is not as it is wanted. */
export interface SettingInForce {
  /** The variable. */
  name: string;
  /** undefined: it must not be set. */
  wanted: string | undefined;
  /** undefined: it is not set. */
  is: string | undefined;
}

/** What a unit runs with, and what it would run with after its next start. */
export interface UnitInForce {
  /** Files that change the unit and come neither from a package nor from pgprov, sorted. */
  dropIns: string[];
  /** A unit's file was changed or taken away after systemd had read it, so `next` tells of what was. */
  stale: boolean;
  /** How the process that runs differs from what is wanted; empty when none runs. */
  running: SettingInForce[];
  /** How the next process would differ, whatever `environmentFile` holds now; empty where systemd does not know the unit. */
  next: SettingInForce[];
}

/** What is seen of a unit, for checks that look it up. */
export function inForceHandle(unit: string): Handle<UnitInForce> {
  return handle(`in-force:${unit}`);
}

const PROPERTIES = [
  'FragmentPath',
  'DropInPaths',
  'NeedDaemonReload',
  'MainPID',
  'Environment',
  'EnvironmentFiles',
  'EnvironmentFile',
  'UnsetEnvironment',
  'ExecStart',
];

/** Variables that units put options of their program into, and that command lines refer to. */
const OPTIONS = ['DAEMON_ARGS', 'OPTIONS'];

/** Where packages and systemd itself have their units. */
const PACKAGED = ['/usr/lib/', '/lib/', '/run/systemd/generator'];

/**
 * Reads what a unit's process runs with (its environment and its arguments in /proc) and what systemd would start it with, and
 * compares both with what is wanted: a drop-in can override what a configuration file says, and one that was taken back may
 * still be in force. Source of facts: systemd.exec(5), Environment= and the options after it.
 */
export function unitInForce(options: UnitInForceOptions): Observation<UnitInForce> {
  const { unit } = options;
  return {
    id: inForceHandle(unit).id,
    when: 'startAndEnd',
    probe: () => joinScripts([TELL, sh`pgprov_in_force ${[unit, options.environmentFile, picking(Object.keys(options.variables))]}`]),
    parse: (answer) => readInForce(answerText(answer), options),
  };
}

/** A sentence for people about settings that are not as they are wanted: `ETCD_CLIENT_CERT_AUTH is false, not true`. */
export function settingsText(settings: readonly SettingInForce[]): string {
  const value = (text: string | undefined): string => (text === undefined ? 'not set' : text === '' ? 'empty' : text);
  return settings
    .map(({ name, wanted, is }) => `${name} is ${value(is)}, ${wanted === undefined ? 'and must not be set' : `not ${value(wanted)}`}`)
    .join(', and ');
}

/**
 * Prints what systemd says of `$1`, drop-ins on the disk, and variables as the sed expression `$3` picks them: first those of
 * files that systemd reads besides ours, `$2`, each file after a line with its name, then those of the process that runs, after
 * its arguments.
 */
const TELL = Script.build(`pgprov_in_force() {
shown=$(systemctl show ${PROPERTIES.map((name) => `-p ${name}`).join(' ')} "$1" 2>/dev/null || :)
printf '%s\\n' "$shown"
for path in "/etc/systemd/system/$1.service.d"/*.conf "/run/systemd/system/$1.service.d"/*.conf; do
[ ! -e "$path" ] || printf 'disk=%s\\n' "$path"
done
pid=0
while IFS= read -r line; do
case "$line" in
MainPID=*) pid=\${line#*=} ;;
EnvironmentFile*=*' (ignore_errors='*)
path=\${line#*=}
path=\${path%' (ignore_errors='*}
printf 'file=%s\\n' "$path"
[ "$path" = "$2" ] || [ ! -f "$path" ] || sed -n -E "$3" "$path"
;;
esac
done <<pgprov_shown
$shown
pgprov_shown
if [ "$pid" != 0 ] && [ -r "/proc/$pid/environ" ]; then
echo process
tr '\\0' '\\n' <"/proc/$pid/cmdline" | sed 's/^/argument=/'
tr '\\0' '\\n' <"/proc/$pid/environ" | sed -n -E "$3"
fi
}`);

/** An expression of sed that prints `variable=NAME=value` for those that count. */
function picking(names: readonly string[]): string {
  return `s/^[[:space:]]*((${[...names, ...OPTIONS].join('|')})=)/variable=\\1/p`;
}

type Variables = Map<string, string>;

function readInForce(text: string, options: UnitInForceOptions): UnitInForce {
  const lines = text.split('\n');
  const at = lines.indexOf('process');
  const [about, process] = at < 0 ? [lines, undefined] : [lines.slice(0, at), lines.slice(at + 1)];
  const values = (name: string, among: readonly string[] = about): string[] =>
    among.filter((line) => line.startsWith(`${name}=`)).map((line) => line.slice(name.length + 1));
  const [fragment = ''] = values('FragmentPath');
  const loaded = values('DropInPaths').flatMap((paths) => paths.split(' ').filter((path) => path !== ''));
  const all = [...new Set([...loaded, ...values('disk'), ...(fragment === '' ? [] : [fragment])])];
  const next = fragment === '' ? [] : differences(nextVariables(about, values, options), options);
  const running = process === undefined ? [] : differences(processVariables(process, values, options), options);
  return {
    dropIns: all.filter((path) => !PACKAGED.some((start) => path.startsWith(start)) && options.ours?.includes(path) !== true).sort(),
    stale: values('NeedDaemonReload')[0] === 'yes' || values('disk').some((path) => !loaded.includes(path)),
    running,
    next,
  };
}

type Values = (name: string, among?: readonly string[]) => string[];

/** What systemd would give the next process: what the unit sets, then its files in order, without what it takes away. */
function nextVariables(about: readonly string[], values: Values, options: UnitInForceOptions): Variables {
  const set: Variables = new Map(values('Environment').flatMap(wordsOf).flatMap(assignment));
  let ours = false;
  for (const line of about) {
    if (line.startsWith('file=')) {
      ours = line === `file=${options.environmentFile}`;
      if (ours) for (const [name, value] of Object.entries(options.variables)) if (value !== undefined) set.set(name, value);
    } else if (line.startsWith('variable=')) {
      for (const [name, value] of assignment(line.slice('variable='.length))) set.set(name, unquoted(value));
    }
  }
  for (const name of values('UnsetEnvironment').flatMap(wordsOf)) set.delete(name.split('=')[0] ?? name);
  const command = /argv\[\]=(.*?) ; ignore_errors=/u.exec(values('ExecStart').join('\n'))?.[1] ?? '';
  return withArguments(
    set,
    command.split(' ').flatMap((word) => expanded(word, set)),
    options,
  );
}

function processVariables(process: readonly string[], values: Values, options: UnitInForceOptions): Variables {
  const set: Variables = new Map(values('variable', process).flatMap(assignment));
  return withArguments(set, values('argument', process), options);
}

/** What the program has after its command line: options, and what `env` before it sets and takes away. */
function withArguments(set: Variables, words: readonly string[], { variableOf }: UnitInForceOptions): Variables {
  const result: Variables = new Map(set);
  for (const [index, word] of words.entries()) {
    const unset = /^--unset=(.+)$/u.exec(word)?.[1] ?? (word === '-u' ? words[index + 1] : undefined);
    const option = /^--?([a-z][a-z0-9-]*)(?:=(.*))?$/u.exec(word);
    if (unset !== undefined) result.delete(unset);
    else if (/^[A-Z][A-Z0-9_]*=/u.test(word)) for (const [name, value] of assignment(word)) result.set(name, value);
    else if (option !== null && variableOf !== undefined) {
      const following = words[index + 1];
      const value = option[2] ?? (following === undefined || following.startsWith('-') ? 'true' : following);
      result.set(variableOf(option[1] as string), value);
    }
  }
  return result;
}

function differences(is: Variables, { variables }: UnitInForceOptions): SettingInForce[] {
  return Object.entries(variables)
    .filter(([name, wanted]) => is.get(name) !== wanted)
    .map(([name, wanted]) => ({ name, wanted, is: is.get(name) }));
}

function assignment(text: string): [string, string][] {
  const at = text.indexOf('=');
  return at < 0 ? [] : [[text.slice(0, at), text.slice(at + 1)]];
}

/** `$NAME` on a command line becomes the words of that variable. */
function expanded(word: string, set: Variables): string[] {
  const name = /^\$\{?([A-Z_][A-Z0-9_]*)\}?$/u.exec(word)?.[1];
  return name === undefined ? [word] : (set.get(name) ?? '').split(' ').filter((each) => each !== '');
}

/** Words as `systemctl show` prints lists, those with blanks in quotes. */
function wordsOf(text: string): string[] {
  return [...text.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/gu)].map(([, quoted, plain]) => plain ?? (quoted ?? '').replaceAll(/\\(.)/gu, '$1'));
}

/** A value as a file of systemd's may write it. */
function unquoted(value: string): string {
  const text = value.trim();
  const inner = /^"(.*)"$/u.exec(text)?.[1];
  if (inner !== undefined) return inner.replaceAll(/\\(.)/gu, '$1');
  return /^'(.*)'$/u.exec(text)?.[1] ?? text;
}
