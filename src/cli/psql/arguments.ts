import { InputError } from '../../lib/errors.js';

/** Options of psql that take a value, in their short form. */
const WITH_VALUE = 'cdfvLoFPRThpU';

/** The same in their long form. */
const LONG_WITH_VALUE: ReadonlySet<string> = new Set([
  'command',
  'dbname',
  'file',
  'variable',
  'set',
  'log-file',
  'output',
  'field-separator',
  'pset',
  'record-separator',
  'table-attr',
  'host',
  'port',
  'username',
]);

/** An option of psql, or an argument. */
interface Word {
  /** `f`, `file`; undefined for an argument. */
  option?: string;
  value?: string;
  /** Its words as they were given. */
  given: readonly string[];
}

/** What psql is given when it runs on a host, where files of this machine are not. */
export interface RemoteArguments {
  args: readonly string[];
  /** A file of this machine that is psql's input. */
  file?: string;
}

/**
 * Psql's arguments for a host: the file of `-f` becomes its input.
 * @throws InputError for several files, and for files that psql would write there
 */
export function remoteArguments(args: readonly string[]): RemoteArguments {
  const words = read(args);
  const written = words.find(({ option = '' }) => ['o', 'output', 'L', 'log-file'].includes(option));
  if (written !== undefined) {
    throw new InputError({
      kind: 'psql/output',
      message: `psql runs on the host, where ${written.given.join(' ')} would write a file`,
      hint: 'redirect the output here with >, or use --local',
    });
  }
  const files = words.filter(({ option = '', value }) => ['f', 'file'].includes(option) && value !== '-');
  if (files.length > 1) {
    throw new InputError({
      kind: 'psql/files',
      message: 'psql runs on the host, and can be given one file of this machine',
      hint: 'put them together, as with `cat one.sql two.sql | pgprov psql inventory.yml`, or use --local',
    });
  }
  const [file] = files;
  if (file?.value === undefined) return { args };
  return { args: words.flatMap((word) => (word === file ? [...flagsBefore(word), '-f', '-'] : word.given)), file: file.value };
}

/** What stands before an option in a word of several, as in `-Atf`. */
function flagsBefore({ option = '', given: [first = ''] }: Word): string[] {
  const flags = option.length === 1 ? first.slice(1, first.indexOf(option, 1)) : '';
  return flags === '' ? [] : [`-${flags}`];
}

/** Reads arguments as psql does: `-Atc 'select 1'`, `-ffile`, `--file=file`. */
function read(args: readonly string[]): Word[] {
  const words: Word[] = [];
  for (let at = 0; at < args.length; at += 1) {
    const arg = args[at] as string;
    if (arg === '--') return [...words, ...args.slice(at).map((given) => ({ given: [given] }))];
    const [option, glued] = optionOf(arg);
    if (option === undefined) {
      words.push({ given: [arg] });
    } else if (glued !== undefined || args[at + 1] === undefined) {
      words.push({ option, ...(glued === undefined ? {} : { value: glued }), given: [arg] });
    } else {
      at += 1;
      words.push({ option, value: args[at] as string, given: [arg, args[at] as string] });
    }
  }
  return words;
}

/** The option of a word that takes a value, with that value where the word has it. */
function optionOf(arg: string): readonly [option?: string | undefined, glued?: string | undefined] {
  if (arg.startsWith('--')) {
    const [, name = '', value] = /^--([^=]+)(?:=(.*))?$/su.exec(arg) ?? [];
    const long = [...LONG_WITH_VALUE].filter((candidate) => candidate.startsWith(name));
    // As getopt_long does, the beginning of a name will do where only one has it.
    const known = LONG_WITH_VALUE.has(name) ? name : long.length === 1 ? long[0] : undefined;
    return known === undefined ? [] : [known, value];
  }
  if (!/^-./u.test(arg)) return [];
  const at = [...arg].findIndex((letter, index) => index > 0 && WITH_VALUE.includes(letter));
  if (at < 0) return [];
  const rest = arg.slice(at + 1);
  return [arg[at], rest === '' ? undefined : rest];
}
