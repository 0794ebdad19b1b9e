import { spawn } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { Command, Option } from 'commander';
import { stringify } from 'yaml';
import { LAB_DIR, labInventory, removeLab, startHosts, SYSTEM_NAMES, SYSTEMS, findHosts, type LabHost, type System } from './lab/index.js';

const NETWORK = 'demo';
const DIRECTORY = join(LAB_DIR, 'demo');
const INVENTORY = join(DIRECTORY, 'inventory.yml');

const program = new Command('npm run demo --')
  .description('A real cluster on three local hosts, made by `pgprov apply`.')
  .addOption(new Option('--os <system>', 'what the hosts run').choices(SYSTEM_NAMES).default('debian13'))
  .addOption(new Option('--count <hosts>', 'how many hosts').default(3).argParser(Number));
program.action(async ({ os, count }: { os: System; count: number }) => {
  const hosts = await demoHosts(os, count);
  await writeInventory(hosts);
  const code = await pgprov('apply', INVENTORY, '--yes');
  if (code === 0) explain(hosts);
  process.exitCode = code;
});
program
  .command('down')
  .description('remove the demo’s hosts and its inventory')
  .action(() => removeLab(NETWORK));
await program.parseAsync();

/** The demo's hosts as they are, or new ones; hosts of another system give way. */
async function demoHosts(os: System, count: number): Promise<LabHost[]> {
  const existing = await findHosts(NETWORK);
  if (existing.length === count && existing.every((host) => host.os === os)) return existing;
  if (existing.length > 0) await removeLab(NETWORK);
  return startHosts(Array.from({ length: count }, (_, index) => ({ name: `pg${index + 1}`, os, network: NETWORK })));
}

async function writeInventory(hosts: readonly LabHost[]): Promise<void> {
  await mkdir(DIRECTORY, { recursive: true });
  await writeFile(INVENTORY, stringify(await labInventory(hosts)));
}

function pgprov(...args: string[]): Promise<number> {
  const inventory = relative(process.cwd(), INVENTORY);
  process.stdout.write(`\n$ pgprov ${args[0]} ${inventory}\n\n`);
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['bin/pgprov.js', ...args], { stdio: 'inherit' });
    child.on('close', (code) => resolve(code ?? 1));
  });
}

function explain(hosts: readonly LabHost[]): void {
  const inventory = relative(process.cwd(), INVENTORY);
  const [first] = hosts as [LabHost];
  const configuration = SYSTEMS[first.os].family === 'debian' ? '/etc/patroni/config.yml' : '/etc/patroni/patroni.yml';
  process.stdout.write(`
The cluster is running on ${hosts.map(({ name, address }) => `${name} (${address})`).join(', ')}.

Look at it:      node bin/pgprov.js status ${inventory}
                 npm run lab -- ssh ${first.name} -- sudo patronictl -c ${configuration} list
Change it:       edit ${inventory}, for example
                   postgresql: { parameters: { work_mem: 16MB } }
                 node bin/pgprov.js plan ${inventory}
Apply again:     node bin/pgprov.js apply ${inventory}
Remove it all:   npm run demo -- down
`);
}
