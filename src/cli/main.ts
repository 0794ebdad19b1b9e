import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { asPgprovError, ExitCode } from '../lib/errors.js';
import { flush } from '../report/flush.js';
import type { ApplyOptions } from './apply.js';
import type { RenewOptions } from './certs/rounds.js';
import type { CertsStatusOptions } from './certs/status.js';
import { addCompletionCommand, answerShell, COMPLETE } from './completion/command.js';
import { addInitCommand } from './init/command.js';
import type { Aimed, CommonOptions } from './options.js';
import type { PingOptions } from './ping.js';
import type { PlanOptions } from './plan.js';
import { addSecretsCommands } from './secrets/command.js';
import type { RotateOptions } from './secrets/rotating.js';
import type { StatusOptions } from './status.js';
import { version } from './version.js';

const EXIT_CODES = `
Exit codes: 0 done, 1 a host failed, 2 the command line or the inventory is wrong,
3 a host could not be reached, 4 refused to protect data, 5 another run holds the lock,
6 there are differences (diff, and plan --detailed-exitcode), 7 certificates expire (certs status).`;

function collect(value: string, list: string[] | undefined): string[] {
  return [...(list ?? []), value];
}

function splitList(value: string, list: string[] | undefined): string[] {
  return [...(list ?? []), ...value.split(',').map((name) => name.trim()).filter((name) => name !== '')];
}

function withInventory(command: Command, what = 'inventory file (YAML)'): Command {
  return command
    .argument('[inventory]', what)
    .option('--set <key=value>', 'override a variable, e.g. postgresql.port=5433 or pg2:patroni.tags.nofailover=true', collect)
    .option('--vagrant [dir]', 'take the machines of the Vagrantfile in this directory; an inventory, if there is one, refines what is made of them')
    .addOption(new Option('--ssh-config <file>', 'take the hosts of a configuration of OpenSSH, such as `vagrant ssh-config` prints').conflicts('vagrant'));
}

function withAim(command: Command): Command {
  return command
    .option('--host <names>', 'only these hosts: names or patterns such as pg*, comma-separated or repeated; !pg3 leaves one out', splitList)
    .option('--group <names>', 'only the hosts of these groups, in the same way', splitList)
    .option('--role <names>', 'only these roles, in the same way', splitList)
    .option('--skip-role <names>', 'all roles but these', splitList);
}

function withPasswords(command: Command): Command {
  return command
    .option('-k, --ask-pass', 'ask for the login password, once for all hosts')
    .option('-K, --ask-become-pass', 'ask for the password for sudo, once for all hosts');
}

function withDifferences(command: Command): Command {
  return command.option('--no-diff', 'leave the differences of files out');
}

function withTimings(command: Command): Command {
  return command.option('--timings', 'tell at the end where the time went: connecting, looking, every stage, and waiting for what');
}

function withReport(command: Command): Command {
  return command.option('--report <file>', 'write a page (HTML) about the run: timeline, changes, failures, the cluster as it is then');
}

function withApply(command: Command): Command {
  return withPasswords(withReport(withTimings(withOutput(command))))
    .option('-y, --yes', 'change a cluster that holds data without asking')
    .option('--check', 'change nothing, show what would be changed')
    .option('--diff', 'show the differences of files, first');
}

function withOutput(command: Command): Command {
  return command.addOption(
    new Option('--output <form>', 'how to show progress; default: tree on a terminal, plain otherwise').choices(['tree', 'plain', 'json']),
  );
}

function withinDays(description: string): Option {
  return new Option('--within <days>', description).default(30).argParser((text) => {
    if (/^\d{1,5}$/u.test(text)) return Number(text);
    throw new InvalidArgumentError('It must be a number of days.');
  });
}

/** What a command does with its inventory. */
type OnInventory<Options> = (file: string, options: Options) => Promise<ExitCode>;

/** Command modules are loaded when their command runs, so that `--help` stays fast. */
function buildProgram(setExit: (code: ExitCode) => void): Command {
  const program = new Command('pgprov')
    .description('Bootstraps highly available PostgreSQL clusters over SSH, from one inventory file.')
    .version(version(), '-V, --version')
    .option('--debug', 'print stack traces of unexpected errors')
    .showSuggestionAfterError()
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .addHelpText('after', EXIT_CODES);

  /** Finds the inventory first; `aims`: a command that takes only those hosts of a lab that are up. */
  const onInventory =
    <Options extends CommonOptions & Aimed>(aims: boolean, load: () => Promise<OnInventory<Options>>) =>
    async (inventory: string | undefined, given: Options): Promise<void> => {
      const { locate } = await import('./locate.js');
      const { file, options } = await locate(inventory, given, aims);
      setExit(await (await load())(file, options));
    };

  addInitCommand(program, setExit);

  withInventory(program.command('validate'))
    .description('check an inventory: schema and sense, no connection')
    .action(onInventory<CommonOptions>(false, async () => (await import('./validate.js')).validate));

  withInventory(program.command('show'))
    .description('show every resolved variable and where it came from')
    .option('--host <names>', 'only these hosts', splitList)
    .action(onInventory<CommonOptions & Aimed>(false, async () => (await import('./show.js')).show));

  withPasswords(withReport(withTimings(withDifferences(withOutput(withAim(withInventory(program.command('plan'))))))))
    .description('show what apply would change, host by host; touches nothing')
    .option('-o, --out <file>', 'keep the plan in a file; `pgprov apply FILE` carries out just that')
    .option('--detailed-exitcode', 'exit with 6 when there are changes')
    .action(onInventory<PlanOptions>(true, async () => (await import('./plan.js')).plan));

  withPasswords(withReport(withTimings(withDifferences(withAim(withInventory(program.command('diff')))))))
    .description('report how the hosts have drifted from the inventory; exit code 6 when they have')
    .option('-q, --quiet', 'print nothing when there is no drift')
    .action(onInventory<PlanOptions & { quiet?: boolean }>(true, async () => (await import('./plan.js')).diff));

  withApply(withAim(withInventory(program.command('apply'), 'inventory file (YAML), or a plan made by `pgprov plan -o`')))
    .description('bring the hosts to what the inventory says')
    .option('--resume', 'go on with the last run, with its aim and --set, unless it ended well')
    .action(onInventory<ApplyOptions>(true, async () => (await import('./apply.js')).apply));

  withApply(withInventory(program.command('run').argument('<role>', 'the role, or several, comma-separated')))
    .description('apply one role: `pgprov run etcd inventory.yml --host pg1`')
    .option('--host <names>', 'only these hosts: names or patterns, comma-separated or repeated; !pg3 leaves one out', splitList)
    .option('--group <names>', 'only the hosts of these groups, in the same way', splitList)
    .action(async (role: string, inventory: string | undefined, options: ApplyOptions) =>
      onInventory<ApplyOptions>(true, async () => (await import('./apply.js')).apply)(inventory, { ...options, role: splitList(role, undefined) }));

  withPasswords(withInventory(program.command('ping')))
    .description('who can be reached, how, as whom and in what time, and what is wrong with the rest; changes nothing')
    .option('--host <names>', 'only these hosts: names or patterns, comma-separated or repeated; !pg3 leaves one out', splitList)
    .option('--group <names>', 'only the hosts of these groups, in the same way', splitList)
    .option('--json', 'print as JSON')
    .action(onInventory<PingOptions>(false, async () => (await import('./ping.js')).ping));

  withPasswords(withTimings(withInventory(program.command('status'))))
    .description('members, roles, lag, etcd health, checksums, certificate expiry')
    .option('--json', 'print as JSON')
    .action(onInventory<StatusOptions>(false, async () => (await import('./status.js')).status));

  const certs = program.command('certs').description('certificates of the cluster: what expires when, renewal, rotation of the authority');
  withPasswords(withInventory(certs.command('status')))
    .description('what expires when, and whether the hosts have and use what is in the store; exit code 7 when something expires')
    .addOption(withinDays('point out what expires within so many days'))
    .option('--host <names>', 'only these hosts: names or patterns, comma-separated or repeated; !pg3 leaves one out', splitList)
    .option('--json', 'print as JSON')
    .action(onInventory<CertsStatusOptions>(false, async () => (await import('./certs/status.js')).certsStatus));
  withPasswords(withOutput(withInventory(certs.command('renew'))))
    .description('new certificates for hosts whose own expire, name other addresses or are of another authority; one member at a time, each proved')
    .addOption(withinDays('renew what expires within so many days'))
    .option('--all', 'renew those as well that are good for longer')
    .option('--ca', 'rotate the certificate authority, in three phases; go on with a rotation that was broken off')
    .option('--host <names>', 'only these hosts: names or patterns, comma-separated or repeated; !pg3 leaves one out', splitList)
    .option('--group <names>', 'only the hosts of these groups, in the same way', splitList)
    .option('-y, --yes', 'change a cluster that holds data without asking')
    .option('--check', 'change nothing, show what would be changed; with --ca: by the next phase')
    .action(onInventory<RenewOptions>(false, async () => (await import('./certs/renew.js')).renew));

  const runs = program
    .command('runs')
    .description('list the runs that changed something, newest first: how each ended, and where it broke')
    .argument('<inventory>', 'inventory file (YAML)')
    .option('--json', 'print as JSON')
    .action(async (file: string, options: { json?: boolean }) => setExit(await (await import('./runs.js')).runs(file, options)));
  runs
    .command('show')
    .description('replay a run from its journal; times are UTC')
    .argument('<inventory>', 'inventory file (YAML)')
    .argument('<id>', 'the run’s id or the beginning of it, or `last`')
    .option('--json', 'print the journal’s lines as they are')
    .option('--timings', 'tell where its time went instead; with --json: below the lines')
    .option('--report <file>', 'write a page (HTML) about it instead')
    .action(async (file: string, id: string, _options: unknown, command: Command) =>
      setExit(await (await import('./runs.js')).showRun(file, id, command.optsWithGlobals<{ json?: boolean; timings?: boolean; report?: string }>())));

  const secrets = addSecretsCommands(program, setExit);
  withPasswords(withOutput(withInventory(secrets.command('rotate').argument('<name>', 'replication, superuser, rewind or restapi'))))
    .description('give the running cluster a new password, on all members at once and without a restart; go on with a change that was broken off')
    .option('-y, --yes', 'do not ask')
    .action(async (name: string, inventory: string | undefined, options: RotateOptions) =>
      onInventory<RotateOptions>(false, async () => {
        const { rotate } = await import('./secrets/rotate.js');
        return (file, located) => rotate(name, file, located);
      })(inventory, options));

  program
    .command('roles')
    .description('what each role does, and its variables')
    .argument('[name]', 'one role, with all its variables')
    .option('--inventory <file>', 'with the roles of this inventory’s rolesPath')
    .action(async (name: string | undefined, options: { inventory?: string }) => setExit(await (await import('./roles.js')).roles(name, options)));

  program
    .command('schema')
    .description('print the inventory’s JSON Schema, for completion in editors')
    .option('--markdown', 'print the reference page instead')
    .option('--inventory <file>', 'with the roles of this inventory’s rolesPath')
    .action(async (options: { markdown?: boolean; inventory?: string }) => setExit(await (await import('./schema.js')).schema(options)));

  addCompletionCommand(program, setExit);
  return program;
}

/** Runs one command line; gives the process's exit code. */
export async function runCli(argv: readonly string[]): Promise<number> {
  // A reader that has seen enough (`pgprov plan … | head`) is no reason to fail.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  let exitCode: ExitCode = ExitCode.done;
  const program = buildProgram((code) => (exitCode = code));
  try {
    // Its words are another command line's, and not to be parsed as this one's.
    if (argv[0] === COMPLETE) await answerShell(program, argv.slice(1));
    else await program.parseAsync(argv as string[], { from: 'user' });
    return exitCode;
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? ExitCode.done : ExitCode.badInput;
    return await reportThrown(thrown, program.opts<{ debug?: boolean }>().debug === true);
  } finally {
    await Promise.all([flush(process.stdout), flush(process.stderr)]);
  }
}

async function reportThrown(thrown: unknown, debug: boolean): Promise<number> {
  const { renderError } = await import('../report/error-text.js');
  const { colors } = await import('./colors.js');
  const error = asPgprovError(thrown);
  process.stderr.write(`${renderError(error, { color: colors(process.stderr) })}\n`);
  if (debug) process.stderr.write(`${String(thrown instanceof Error ? thrown.stack : thrown)}\n`);
  return error.exitCode;
}
