import type { Argument, Command, Option } from 'commander';
import { fileCandidates } from './files.js';
import { optionsOf, readLine, type CommandLine } from './line.js';
import { usualInventory } from '../usual-inventory.js';
import { namesFor, snapshotsFor, type NameKind } from './names.js';

/** What a word may become. */
export interface Candidate {
  value: string;
  description?: string;
}

/** The possible next words, and whether they are names of files, which shells quote and end in their own way. */
export interface Candidates {
  kind: 'words' | 'files';
  list: readonly Candidate[];
}

/** What the values of options and arguments are, by the names that the program's definition gives them. */
const NAMES: Readonly<Record<string, NameKind>> = { host: 'hosts', group: 'groups', role: 'roles', skipRole: 'roles' };

/** What the argument `name` of a command is. */
const NAMED_BY: Readonly<Record<string, NameKind>> = { roles: 'roles', operate: 'operations' };

/**
 * What may stand at a place of a command line, from the program's own definition.
 * @param words with the program's own name first; `=` may be a word of its own, as bash has it
 * @param at the index of the word to complete
 */
export async function completeLine(program: Command, words: readonly string[], at: number): Promise<Candidates> {
  const split = unsplit(words.slice(1), at - 1);
  const line = readLine(program, split.words, split.at);
  const found =
    line.option === undefined || line.isOptional ? [await values(line, line.option), await plain(line)] : [await values(line, line.option)];
  const list = found.flatMap((each) => each.list);
  const prefix = split.isGlued ? '' : line.prefix;
  return {
    kind: found.some(({ kind, list: some }) => kind === 'files' && some.length > 0) && prefix === '' ? 'files' : 'words',
    list: list
      .filter(({ value }) => value.startsWith(line.word))
      .map((candidate) => ({ ...candidate, value: `${prefix}${candidate.value}` })),
  };
}

/** Puts together what bash takes apart at `=`; it then wants to be given the last part only. */
function unsplit(words: readonly string[], at: number): { words: string[]; at: number; isGlued: boolean } {
  const joined: string[] = [];
  let place = 0;
  let isGlued = false;
  words.forEach((word, index) => {
    const last = joined.at(-1) ?? '';
    const glue = (word === '=' && last.startsWith('--')) || (words[index - 1] === '=' && /^--[^=]+=$/u.test(last));
    if (glue) joined[joined.length - 1] = `${last}${word}`;
    else joined.push(word);
    if (index !== at) return;
    place = joined.length - 1;
    isGlued = glue;
  });
  return { words: joined, at: at >= words.length ? joined.length : place, isGlued };
}

async function values(line: CommandLine, what: Option | Argument | undefined): Promise<Candidates> {
  if (what === undefined) return { kind: 'words', list: [] };
  const choices = what.argChoices;
  if (choices !== undefined) return { kind: 'words', list: choices.map((value) => ({ value })) };
  const [placeholder = ''] = 'flags' in what ? (/(?<=[<[])[\w.=-]+/u.exec(what.flags) ?? []) : [what.name()];
  if (placeholder === 'inventory') return files(fileCandidates(line.word, /\.(?:ya?ml|json)$/u));
  if ('flags' in what && what.attributeName() === 'backTo') {
    const snapshots = (await snapshotsFor(line)).filter((path) => path.startsWith(line.word));
    return files([...new Set([...snapshots, ...fileCandidates(line.word, /(?:)/u)])]);
  }
  if (/file$/u.test(placeholder)) return files(fileCandidates(line.word, /(?:)/u));
  if (placeholder === 'dir') return files(fileCandidates(line.word));
  const isList = placeholder === 'names';
  const kind = placeholder === 'name' ? NAMED_BY[line.command.name()] : NAMES['flags' in what ? what.attributeName() : placeholder];
  if (kind === undefined || !(isList || ['role', 'name', 'host'].includes(placeholder))) return { kind: 'words', list: [] };
  return { kind: 'words', list: listed(line.word, await namesFor(kind, line), isList) };
}

function files(paths: readonly string[]): Candidates {
  return { kind: 'files', list: paths.map((value) => ({ value })) };
}

/** Names for the last place of a comma-separated list, without those that it has; `!` leaves one out. */
function listed(word: string, names: readonly string[], isList: boolean): Candidate[] {
  if (!isList) return names.map((value) => ({ value }));
  const [, before = '', not = ''] = /^(.*,)?(!?)[^,]*$/su.exec(word) ?? [];
  const taken = before.split(',').map((name) => name.replace(/^!/u, ''));
  return names.filter((name) => !taken.includes(name)).map((name) => ({ value: `${before}${not}${name}` }));
}

/** A subcommand, an option, or an argument. */
async function plain(line: CommandLine): Promise<Candidates> {
  const { command, word, onlyArguments, mayDescend } = line;
  if (word.startsWith('-') && !onlyArguments) return { kind: 'words', list: optionsOf(command).map(optionCandidate) };
  const subcommands = mayDescend && !onlyArguments ? command.createHelp().visibleCommands(command) : [];
  const { kind, list } = await values(line, line.argument);
  const usual = mayLeaveOutInventory(line) ? usualInventory() : undefined;
  const hosts = usual === undefined ? [] : await namesFor('hosts', line, usual.file);
  return {
    kind,
    list: [
      ...subcommands.map((each) => ({ value: each.name(), description: each.description() })),
      ...list,
      ...hosts.map((value) => ({ value })),
    ],
  };
}

/** A host may stand in the place of the inventory, of which the usual one is taken then. */
function mayLeaveOutInventory({ command, argument }: CommandLine): boolean {
  const [first, second] = command.registeredArguments;
  return argument === first && argument?.name() === 'inventory' && second?.name() === 'host';
}

function optionCandidate(option: Option): Candidate {
  return { value: option.long ?? option.short ?? '', description: option.description };
}
