import { spawn } from 'node:child_process';

import { Command, InvalidArgumentError, Option } from 'commander';
import { stringify } from 'yaml';

import {
  DEFAULT_NETWORK,
  ensureLab,
  findHosts,
  labInventory,
  type LabHost,
  PGDG_KEY_URL,
  PGDG_URL,
  publicKey,
  removeAllLabs,
  removeLab,
  startHosts,
  type System,
  SYSTEM_NAMES,
  SYSTEMS,
  YUM_KEY_URL,
  YUM_URL,
} from './index.js';
import { attempt } from './process.js';
import { vagrantFacts } from './vagrant.js';

const program = new Command('npm run lab --')
  .description('Test hosts for pgprov: containers that behave like Debian and Rocky Linux machines, and a package mirror for them.')
  .showHelpAfterError();

const lab = (): Option => new Option('-n, --name <lab>', 'name of the lab; several can be up at the same time').default(DEFAULT_NETWORK);
const system = (): Option => new Option('-o, --os <system>', 'operating system of the hosts').choices(SYSTEM_NAMES);

program
  .command('build')
  .description('build the images and the package mirror, as far as they are not there yet')
  .addOption(system())
  .action(async ({ os }: { os?: System }) => {
    await ensureLab(os === undefined ? SYSTEM_NAMES : [os]);
  });

program
  .command('up')
  .description('start hosts pg1, pg2, … that are not there yet, and switch on those that are off')
  .addOption(lab())
  .addOption(system().default('debian13'))
  .option('-c, --count <number>', 'how many hosts', count, 3)
  .action(async ({ name, os, count: wanted }: { name: string; os: System; count: number }) => {
    const present = await hostsOrNone(name);
    const names = Array.from({ length: wanted }, (_, index) => `pg${index + 1}`);
    const missing = names.filter((host) => present.every((other) => other.name !== host));
    await Promise.all((await switchedOff(present)).map((host) => host.start()));
    await startHosts(missing.map((host) => ({ name: host, os, network: name })));
    await show(await findHosts(name), name);
  });

program
  .command('down')
  .description('remove the hosts of a lab')
  .addOption(lab())
  .option('-a, --all', 'remove those of every lab of this checkout')
  .action(async ({ name, all }: { name: string; all?: boolean }) => {
    await (all === true ? removeAllLabs() : removeLab(name));
  });

program
  .command('list')
  .description('show the hosts of all labs of this checkout')
  .action(async () => {
    for (const host of await findHosts()) {
      const state = (await attempt`docker inspect --format ${'{{.State.Status}}'} ${host.container}`).stdout.trim();
      console.log([host.network.padEnd(16), host.name.padEnd(8), host.os.padEnd(9), host.address.padEnd(15), state].join(' '));
    }
  });

program
  .command('ssh')
  .description('open a shell on a host, or run a command there: npm run lab -- ssh pg1 -- sudo id')
  .argument('<host>', 'name of the host')
  .argument('[command...]', 'what to run instead of a shell')
  .addOption(lab())
  .option('-l, --login <user>', 'login user: admin, root, asks, locked, chatty or tty', 'admin')
  .action(async (name: string, command: string[], { name: network, login }: { name: string; login: string }) => {
    const host = (await findHosts(network)).find((other) => other.name === name);
    if (host === undefined) throw new Error(`the lab ${network} has no host ${name}`);
    process.exitCode = await inTerminal(['ssh', ...host.sshArguments(login), ...command]);
  });

program
  .command('key')
  .description('print the key that signs the imitated PGDG repositories')
  .option('-f, --fingerprint', 'only its fingerprint')
  .action(async ({ fingerprint }: { fingerprint?: boolean }) => {
    const key = await publicKey('pgdg');
    console.log(fingerprint === true ? key.fingerprint : key.armored.trimEnd());
  });

program
  .command('vagrant')
  .description('print what a Vagrantfile needs to make hosts with its docker provider, as JSON, and bring up what they need')
  .addOption(lab().default('vagrant'))
  .addOption(system().default('debian12'))
  .option('--no-start', 'only print it')
  .action(async ({ name, os, start }: { name: string; os: System; start: boolean }) => {
    console.log(JSON.stringify(await vagrantFacts(os, name, start)));
  });

function count(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > 9) throw new InvalidArgumentError('A number from 1 to 9 is needed.');
  return number;
}

/** Before the first start there may be no engine to ask. */
async function hostsOrNone(network: string): Promise<LabHost[]> {
  return findHosts(network).catch(() => []);
}

async function switchedOff(hosts: LabHost[]): Promise<LabHost[]> {
  const states = await Promise.all(hosts.map((host) => attempt`docker inspect --format ${'{{.State.Running}}'} ${host.container}`));
  return hosts.filter((_, index) => states[index]?.stdout.trim() === 'false');
}

async function show(hosts: LabHost[], network: string): Promise<void> {
  for (const host of hosts) console.log(`${host.name}  ${host.address}  ${host.os}`);
  const [first] = hosts;
  if (first === undefined) return;
  const key = await publicKey('pgdg');
  const [url, keyUrl] = SYSTEMS[first.os].family === 'debian' ? [PGDG_URL, PGDG_KEY_URL] : [YUM_URL, YUM_KEY_URL];
  const option = network === DEFAULT_NETWORK ? '' : ` --name ${network}`;
  console.log(`
An inventory of them:

${stringify(await labInventory(hosts))}
The imitated ${url} is signed by ${key.fingerprint}
(key: ${keyUrl} inside the lab).
A shell on a host: npm run lab -- ssh ${first.name}${option}`);
}

function inTerminal([file = '', ...args]: string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    spawn(file, args, { stdio: 'inherit' })
      .on('error', reject)
      .on('exit', (code) => resolve(code ?? 255));
  });
}

try {
  await program.parseAsync();
} catch (error) {
  console.error(`lab: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}
