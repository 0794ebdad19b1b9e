import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { buildProgram } from '../../src/cli/main.js';
import { HEADS } from '../../src/cli/operations/heads.js';

/** Commands by their names, such as `config edit`; a group is none. */
function commandsOf(command: Command, name = ''): Map<string, Command> {
  const own = command.commands.length === 0 || name === 'runs' || command.registeredArguments.length > 0 ? [[name, command] as const] : [];
  const below = command.commands.flatMap((each) => [...commandsOf(each, `${name} ${each.name()}`.trim())]);
  return new Map([...own, ...below]);
}

/** What options of an inventory that is being written mean, docs/cli.md says elsewhere. */
const COMMANDS = new Map([...commandsOf(buildProgram(() => undefined, []))].filter(([name]) => name !== 'init'));

const OPERATIONS = [...HEADS.map(({ name }) => name), 'operate'];

interface Row {
  flags: string[];
  commands: string[];
}

/** The table of options in docs/cli.md. */
function rows(): Row[] {
  const text = readFileSync('docs/cli.md', 'utf8');
  const table = text.slice(text.indexOf('| option |'), text.indexOf('`NO_COLOR`'));
  const found: Row[] = [];
  for (const line of table.split('\n').slice(2)) {
    const [, options = '', commands = ''] = line.split(' | ').length < 3 ? [] : ['', ...line.replace(/^\| /u, '').split(' | ')];
    if (options === '') continue;
    const flags = [...options.matchAll(/`(--?[\w-]+)[^`]*`/gu)].map(([, flag = '']) => flag);
    found.push({ flags, commands: commands === 'the same' ? (found.at(-1)?.commands ?? []) : named(commands) });
  }
  return found;
}

/** The commands that a cell of the table means. */
function named(cell: string): string[] {
  const [words = '', except] = cell.split(', except ');
  const excepted = except?.split(' and ') ?? [];
  const without = [...COMMANDS.keys()].filter((name) => excepted.some((one) => one === name || name.startsWith(`${one} `)));
  return words
    .split(', ')
    .flatMap((word) => {
      if (word === 'all') return [...COMMANDS.keys()];
      if (word === 'all with an inventory') return [...COMMANDS].filter(([, command]) => takesInventory(command)).map(([name]) => name);
      if (word === 'operations') return OPERATIONS;
      const plain = word.replaceAll('`', '');
      const found = [...COMMANDS.keys()].filter((name) => name === plain || name.startsWith(`${plain} `));
      expect(found, `the commands that ${word} means`).not.toEqual([]);
      return COMMANDS.has(plain) ? [plain] : found;
    })
    .filter((name) => !without.includes(name));
}

function takesInventory(command: Command): boolean {
  return command.registeredArguments.some((argument) => argument.name() === 'inventory');
}

function having(flag: string): string[] {
  return [...COMMANDS]
    .filter(([, command]) => command.options.some(({ long, short }) => long === flag || short === flag))
    .map(([name]) => name)
    .sort();
}

const DOCUMENTED = new Map<string, Set<string>>();
for (const { flags, commands } of rows())
  for (const flag of flags) DOCUMENTED.set(flag, new Set([...(DOCUMENTED.get(flag) ?? []), ...commands]));

describe('the options in docs/cli.md', () => {
  it.each([...DOCUMENTED].filter(([flag]) => flag !== '--debug'))('%s is an option of the commands named there', (flag, commands) => {
    expect(having(flag)).toEqual([...commands].sort());
  });

  it('include every option that more than one command has', () => {
    const shared = [...new Set([...COMMANDS.values()].flatMap(({ options }) => options.flatMap(({ long }) => long ?? [])))].filter(
      (flag) => having(flag).length > 1,
    );
    expect(shared.filter((flag) => !DOCUMENTED.has(flag)).sort()).toEqual([]);
  });
});
