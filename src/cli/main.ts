import { Command, CommanderError } from 'commander';
import { asPgprovError, ExitCode } from '../lib/errors.js';
import { flush } from '../report/flush.js';
import type { SetExit } from './action.js';
import { addApplyCommands } from './apply/command.js';
import { addBackupsCommand } from './backups/command.js';
import { addCertsCommands } from './certs/command.js';
import { addCompletionCommand, answerShell, COMPLETE } from './completion/command.js';
import { helpText } from './help-text.js';
import { addHistoryCommand } from './history/command.js';
import { addConfigCommands } from './config/command.js';
import { addDrillCommands } from './drill/command.js';
import { addDsnCommand } from './dsn/command.js';
import { addInitCommand } from './init/command.js';
import { addDoctorCommand } from './doctor/command.js';
import { addLogsCommand } from './logs/command.js';
import { addOperationCommands } from './operations/command.js';
import { addOwnOperationCommand } from './operations/own-command.js';
import { addPsqlCommand } from './psql/command.js';
import { addReferenceCommands } from './reference/command.js';
import { addRunsCommands } from './runs/command.js';
import { addSettleCommand } from './settle/command.js';
import { addSecretsCommands } from './secrets/command.js';
import { addSnapshotCommands } from './snapshots/command.js';
import { addSshCommand } from './ssh/command.js';
import { addStatusCommands } from './status/command.js';
import { addValidateCommands } from './validate/command.js';
import { answerLoss, keepGoing } from './display.js';
import { endWithTerminal } from './terminal-gone.js';
import { calledCommand, usageError } from './usage-error.js';
import { version } from '../lib/version.js';

const EXIT_CODES = `
Exit codes: 0 done, 1 a host failed, 2 the command line or the inventory is wrong, 3 a host could not be reached, 4 refused, mostly to protect
data, 5 another run holds the lock, 6 there are differences (diff, and plan --detailed-exitcode), 7 certificates expire (certs status).`;

/** Registers a group of commands; the words are the whole command line. */
type AddCommands = (program: Command, setExit: SetExit, words: readonly string[]) => void;

/** In the order in which `--help` has them. */
const GROUPS: readonly AddCommands[] = [
  addInitCommand,
  addValidateCommands,
  addApplyCommands,
  addStatusCommands,
  addDoctorCommand,
  addLogsCommand,
  addSshCommand,
  addPsqlCommand,
  addDsnCommand,
  addOperationCommands,
  addSnapshotCommands,
  addOwnOperationCommand,
  addBackupsCommand,
  addDrillCommands,
  addConfigCommands,
  addCertsCommands,
  addRunsCommands,
  addHistoryCommand,
  addSettleCommand,
  addSecretsCommands,
  addReferenceCommands,
  addCompletionCommand,
];

/** The command line, of all groups of commands. */
export function buildProgram(setExit: SetExit, words: readonly string[]): Command {
  const program = new Command('pgprov')
    .description('Bootstraps highly available PostgreSQL clusters over SSH, from one inventory file.')
    .version(version(), '-V, --version')
    .option('--debug', 'print stack traces of unexpected errors')
    .showSuggestionAfterError()
    .exitOverride()
    // It is written by `reportThrown`, like all other errors.
    .configureOutput({ outputError: () => undefined })
    // With their arguments, which the help of each has, names would leave descriptions too little room to be wrapped.
    .configureHelp({ showGlobalOptions: true, subcommandTerm: (command) => command.name() })
    .addHelpText('after', helpText(EXIT_CODES));
  for (const add of GROUPS) add(program, setExit, words);
  return program;
}

/** Runs one command line; gives the process's exit code. */
export async function runCli(argv: readonly string[]): Promise<number> {
  endWithTerminal();
  const { stdout, stderr } = process;
  keepGoing('stdout', stdout);
  keepGoing('stderr', stderr);
  const exitCode = await runCommand(argv);
  await Promise.all([flush(stdout), flush(stderr)]);
  const lost = answerLoss(stdout);
  if (lost === undefined) return exitCode;
  const code = await reportThrown(lost, false);
  await flush(stderr);
  // What a run has come to is known, and its own exit code says it.
  return exitCode === ExitCode.done ? code : exitCode;
}

async function runCommand(argv: readonly string[]): Promise<number> {
  let exitCode: number = ExitCode.done;
  const program = buildProgram((code) => (exitCode = code), argv);
  try {
    // Its words are another command line's, and not to be parsed as this one's.
    if (argv[0] === COMPLETE) await answerShell(program, argv.slice(1));
    else await program.parseAsync(argv as string[], { from: 'user' });
    return exitCode;
  } catch (thrown) {
    const { debug = false } = program.opts<{ debug?: boolean }>();
    if (!(thrown instanceof CommanderError)) return await reportThrown(thrown, debug);
    if (thrown.exitCode === 0) return ExitCode.done;
    // The help of a group of commands, which was called without one of them.
    if (thrown.code === 'commander.help') return ExitCode.badInput;
    return await reportThrown(usageError(thrown, calledCommand(program, argv)), debug);
  }
}

async function reportThrown(thrown: unknown, debug: boolean): Promise<number> {
  const { renderError } = await import('../report/error-text.js');
  const { errorLook } = await import('./colors.js');
  const error = asPgprovError(thrown);
  process.stderr.write(`${renderError(error, errorLook(process.stderr))}\n`);
  if (debug) process.stderr.write(`${String(thrown instanceof Error ? thrown.stack : thrown)}\n`);
  return error.exitCode;
}
