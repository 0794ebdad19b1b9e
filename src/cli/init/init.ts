import { maskHop } from '../../model/index.js';
import { ExitCode, InputError, PgprovError } from '../../lib/errors.js';
import { pgprov } from '../../lib/pgprov-command.js';
import { quote } from '../../lib/shell-word.js';
import { writeSentence } from '../sentence.js';
import { canAsk } from '../pipeline/confirm.js';
import { draftFrom, type DraftOptions } from './answers.js';
import { assertWritable, problemsOf, writeInventory } from './check.js';
import type { Draft } from './draft.js';
import type { ImportNotes } from './import-options.js';
import { inventoryText } from './inventory-text.js';
import { Questions } from './questions.js';

/** Options of `pgprov init`. */
export interface InitOptions extends DraftOptions {
  /** An inventory of Ansible to begin with. */
  fromAnsible?: string;
  /** Only the hosts of these groups of it. */
  group?: string[];
}

/** Somebody to ask, if there is anybody. */
type OpenQuestions = () => Questions | undefined;

/**
 * `pgprov init`: writes a first inventory, and never over a file. What was answered is told when nothing comes of it, as the command that goes on
 * with it.
 */
export async function init(file: string, options: InitOptions, open: OpenQuestions = atTerminal): Promise<ExitCode> {
  assertWritable(file);
  const said: InitOptions = { ...options };
  const notes: ImportNotes = { left: [], changed: [] };
  const questions = options.yes === true ? undefined : open();
  const { stdout, stderr } = process;
  try {
    const draft = await draftOf(file, said, notes, questions);
    const made = await writeInventory(file, inventoryText(draft, said.fromAnsible === undefined ? '' : ` from ${said.fromAnsible}`));
    showNotes(notes, said.fromAnsible);
    for (const { message, hint } of made.warnings) writeSentence(stderr, 'warning: ', `${message}${hint === undefined ? '' : `; ${hint}`}`);
    const hosts = made.hosts.map(({ name }) => name);
    const word = quote(file);
    stdout.write(`Wrote ${file}: cluster ${made.cluster}, ${hosts.length === 1 ? 'host' : `${hosts.length} hosts:`} ${hosts.join(', ')}.
Read it, then:

  pgprov ping ${word}     check logins, host keys and sudo
  pgprov plan ${word}     show what apply would change; touches nothing
  pgprov apply ${word}    make it so
`);
    return ExitCode.done;
  } catch (thrown) {
    showNotes(notes, said.fromAnsible);
    throw withAnswers(thrown, file, said, options);
  } finally {
    questions?.close();
  }
}

function atTerminal(): Questions | undefined {
  return canAsk() ? new Questions() : undefined;
}

function showNotes({ left, changed }: ImportNotes, file = ''): void {
  for (const [title, notes] of [
    [`Not taken over from ${file}:`, left],
    [`Taken from ${file} otherwise than it stands there:`, changed],
  ] as const) {
    if (notes.length === 0) continue;
    process.stderr.write(`${title}\n`);
    for (const note of notes) writeSentence(process.stderr, '  ', note);
    process.stderr.write('\n');
  }
}

async function draftOf(file: string, said: InitOptions, notes: ImportNotes, questions: Questions | undefined): Promise<Draft> {
  const { fromAnsible, group } = said;
  if (fromAnsible === undefined) {
    if (group !== undefined)
      throw new InputError({ kind: 'init/group', message: '--group chooses among the groups of --from-ansible FILE, which is missing' });
    return draftFrom(said, (draft) => problemsOf(file, inventoryText(draft, '')), questions);
  }
  if (said.host !== undefined)
    throw new InputError({ kind: 'init/hosts', message: '--host and --from-ansible both say which hosts there are; give one of them' });
  return imported(file, said, notes, questions);
}

async function imported(
  file: string,
  { fromAnsible = '', cluster, group, user, port, identityFile, jump, postgresql, clients }: InitOptions,
  notes: ImportNotes,
  questions: Questions | undefined,
): Promise<Draft> {
  const { importAnsible } = await import('./from-ansible.js');
  const found = await importAnsible(
    fromAnsible,
    {
      target: file,
      ask: questions === undefined ? undefined : (question) => questions.ask(question),
      ...(cluster === undefined ? {} : { cluster }),
      ...(group === undefined ? {} : { groups: group }),
      ...(postgresql === undefined ? {} : { version: postgresql }),
    },
    notes,
  );
  const given = Object.entries({ user, port, identity_file: identityFile, jump }).filter(([, value]) => value !== undefined);
  return {
    ...found,
    ssh: { ...found.ssh, ...Object.fromEntries(given) },
    ...(clients === undefined ? {} : { clients }),
  };
}

/** The error, with the command that goes on with the answers, if any were given. */
function withAnswers(thrown: unknown, file: string, said: InitOptions, options: InitOptions): unknown {
  if (!(thrown instanceof PgprovError) || JSON.stringify(said) === JSON.stringify(options)) return thrown;
  const { kind, message, exitCode, hint } = thrown;
  const again = `${pgprov`init ${file} ${optionWords(said)}`} goes on with your answers`;
  return new PgprovError({ kind, message, exitCode, hint: hint === undefined ? again : `${hint}; ${again}`, cause: thrown });
}

function optionWords({ cluster, host = [], user, port, identityFile, jump, postgresql, standalone, clients = [] }: DraftOptions): string[] {
  const single = { cluster, user, port, 'identity-file': identityFile, jump: jump === undefined ? undefined : maskHop(jump), postgresql };
  return [
    ...Object.entries(single).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, String(value)])),
    ...host.flatMap((each) => ['--host', each]),
    ...(standalone === true ? ['--standalone'] : []),
    ...clients.flatMap((each) => ['--clients', each]),
  ];
}
