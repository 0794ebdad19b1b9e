import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HEADS } from '../../src/cli/operations/heads.js';
import { takenBackBy } from '../../src/cli/operations/taken-back.js';
import { operationLine } from '../../src/lib/operation-line.js';
import { packageRoot } from '../../src/lib/package-root.js';
import { complaintsAbout } from '../support/command-lines.js';

const SOURCES = ['src', 'roles'].flatMap((folder) =>
  readdirSync(join(packageRoot(), folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => ({ file: `${folder}/${name}`, text: withoutComments(readFileSync(join(packageRoot(), folder, name), 'utf8')) })),
);

/** Where a command is named and not advised, or where nobody can know the inventory. */
const NAMED: Readonly<Record<string, string>> = {
  'roles/shared/sections/tune.ts': 'the description of a variable',
  'src/catalog/check-operation.ts': 'a name that is taken',
  'src/cli/apply/command.ts': 'help',
  'src/cli/apply/resume.ts': 'what ran last',
  'src/cli/continuing.ts': 'the journal’s command, which has its own quotes',
  'src/cli/init/inventory-text.ts': 'the head of an inventory, whose name may change',
  'src/cli/lab/vagrant.ts': 'an example for a command line without a usable inventory',
  'src/cli/operations/own-command.ts': 'how its command line is made up, where none was understood',
  'src/cli/pipeline/html-report-file.ts': 'what ran, and a writer that knows no inventory',
  'src/cli/ssh/ssh.ts': 'an example for a command line without an inventory',
  'src/model/closed-schema.ts': 'the description of a variable',
  'src/model/contributions.ts': 'a command that takes no inventory',
  'src/resources/unit-copy.ts': 'the head of a file on a host',
  'src/model/reference.ts': 'documentation',
  'src/operations/pause.ts': 'the description of an operation',
  'src/report/runs-text.ts': 'what ran',
  'src/resources/firewall/firewalld.ts': 'a file on hosts',
  'src/resources/firewall/nftables.ts': 'a file on hosts',
  'src/resources/firewall/ufw.ts': 'a mark on hosts',
  'src/store/password-rotation.ts': 'the head of a file',
};

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//gu, '').replace(/^\s*\/\/.*$/gmu, '');
}

/** A template that is tagged with `pgprov`, in its literal parts and the expressions of its holes. */
interface Template {
  literals: string[];
  holes: string[];
}

/** All of them in a source. */
function templatesIn(text: string): Template[] {
  return [...text.matchAll(/(?<=[\s{(])pgprov`(?=[a-z$])/gu)].map(({ index }) => readTemplate(text, index + 'pgprov`'.length));
}

function readTemplate(text: string, start: number): Template {
  const [literals, holes]: [string[], string[]] = [[''], []];
  let at = start;
  while (at < text.length && text[at] !== '`') {
    if (!text.startsWith('${', at)) {
      literals.push(`${literals.pop() ?? ''}${text[at]}`);
      at++;
      continue;
    }
    const from = at + 2;
    let depth = 1;
    for (at = from; depth > 0; at++) depth += text[at] === '{' ? 1 : text[at] === '}' ? -1 : 0;
    holes.push(text.slice(from, at - 1));
    literals.push('');
  }
  return { literals, holes };
}

/**
 * What a hole may become: a value, one or the other list of words, or the name of any operation that leaves a record.
 * @param rest what follows it
 */
function fillings(hole: string, rest: string): string[][] {
  if (hole === 'operationLine(operation, inventory, source)')
    return HEADS.flatMap(({ name, keptInStore, changesNothing, takesSource, options }) =>
      keptInStore === true || changesNothing === true || (rest.includes('--give-up') && takenBackBy({ options }) !== undefined)
        ? []
        : [operationLine(name, 'inventory.yml', takesSource === true ? 'source.yml' : undefined)],
    );
  if (hole === 'optionWords(said)') {
    const single = ['--cluster', 'x', '--user', 'u', '--port', '22', '--identity-file', 'k', '--jump', 'j', '--postgresql', '17'];
    return [[], [...single, '--host', 'a=1', '--host', 'b=2', '--standalone', '--clients', '10.0.0.0/8']];
  }
  const lists = [...hole.matchAll(/\[([^\]]*)\]/gu)].map(([, items = '']) =>
    items.split(/,(?![^(]*\))/u).filter((item) => item.trim() !== ''),
  );
  if (lists.length > 0) return lists.map((items) => items.map((item) => /^\s*'([^']*)'\s*$/u.exec(item)?.[1] ?? '60'));
  return [['inventory.yml']];
}

/** Every command line that a template may become. */
function commandLines({ literals, holes }: Template): string[][] {
  return holes
    .reduce<string[]>(
      (lines, hole, index) =>
        lines.flatMap((line) =>
          fillings(hole, literals[index + 1] ?? '').map((words) => `${line}${words.join(' ')}${literals[index + 1] ?? ''}`),
        ),
      [literals[0] ?? ''],
    )
    .map((line) => line.trim().split(/ +/u));
}

describe('commands that messages advise', () => {
  const advised = SOURCES.flatMap(({ file, text }) =>
    templatesIn(text).flatMap((template) => commandLines(template).map((words) => ({ file, words }))),
  );

  it('are valid pgprov command lines with their inventory', () => {
    expect(advised.length).toBeGreaterThan(80);
    const wrong = advised.flatMap(({ file, words }) =>
      complaintsAbout(words).map((complaint) => `${file}: pgprov ${words.join(' ')}: ${complaint}`),
    );
    expect(wrong).toEqual([]);
  });

  it('are written with the tag, nowhere by hand', () => {
    const byHand = SOURCES.filter(({ file }) => !file.endsWith('lib/pgprov-command.ts')).flatMap(({ file, text }) =>
      [...text.matchAll(/`pgprov (?:[a-z]+[ \\`]|\$)[^\n]{0,60}/gu)]
        .filter(([words]) => !/^`pgprov (?:becomes|does|itself|set) /u.test(words))
        .map(([words]) => ({ file, words })),
    );
    expect(byHand.filter(({ file }) => NAMED[file] === undefined)).toEqual([]);
    expect(Object.keys(NAMED).filter((file) => byHand.every((found) => found.file !== file))).toEqual([]);
  });

  it('have the inventory’s real name', () => {
    const literal = SOURCES.filter(({ text }) =>
      templatesIn(text).some(({ literals }) => literals.some((part) => part.includes('INVENTORY'))),
    );
    expect(literal.map(({ file }) => file)).toEqual([]);
  });

  it('give patronictl its file and etcdctl its way in, which they do not find by themselves', () => {
    const bare = SOURCES.flatMap(({ file, text }) =>
      [...text.matchAll(/`(?:patronictl (?!-c )|etcdctl )[a-z][^`\n]*/gu)].map(([words]) => ({ file, words })),
    );
    const ready = SOURCES.filter(({ text }) => /\bonWorkingMember\(view/u.test(text)).map(({ file }) => file);
    expect(bare.filter(({ file }) => !ready.includes(file))).toEqual([]);
  });

  it('are recognised as wrong by this test when they are wrong', () => {
    expect(complaintsAbout(['restart', '--pending'])).toEqual(['no inventory']);
    expect(complaintsAbout(['secrets', 'rotate', 'replication'])).toEqual(['no inventory']);
    expect(complaintsAbout(['restart', 'inventory.yml', '--pendign'])).toHaveLength(1);
    expect(complaintsAbout(['restrat', 'inventory.yml'])).toHaveLength(1);
  });
});
