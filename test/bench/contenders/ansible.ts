import { createHash } from 'node:crypto';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type DebianFacts, publicKey, SYSTEMS } from '../../lab/index.js';
import { attempt } from '../../lab/process.js';
import { knownHostsOf } from '../hosts/known-hosts.js';
import { type Finished, timed } from '../lib/child.js';
import { type ClusterContender, endpointOf, type Site } from './contender.js';

const FOLDER = fileURLToPath(new URL('ansible', import.meta.url));

/** How a playbook reaches its hosts, besides their addresses. */
export interface PlaybookRun {
  playbook: 'cluster.yml' | 'width.yml';
  /** The inventory file; its group is `cluster`. */
  inventory: string;
  /** Values for the playbook. */
  values: Record<string, string>;
  knownHosts: string;
  identityFile: string;
  user: string;
  /** Holds the sockets of its connections. */
  directory: string;
}

/** Says what kind of Ansible runs a playbook. */
export type Strategy = 'linear' | 'mitogen';

/** Runs a playbook with pipelining. Connections are closed afterwards, so that none is there for the next run. */
export async function runPlaybook(strategy: Strategy, run: PlaybookRun): Promise<Finished> {
  const [sockets, values] = [join(run.directory, 'cp'), join(run.directory, 'values.json')];
  await mkdir(sockets, { recursive: true });
  await writeFile(values, JSON.stringify(run.values), { mode: 0o600 });
  const options = [
    `UserKnownHostsFile=${run.knownHosts}`,
    'GlobalKnownHostsFile=none',
    'StrictHostKeyChecking=yes',
    'LogLevel=ERROR',
    'ControlMaster=auto',
    'ControlPersist=60s',
  ];
  const finished = await timed(
    [
      'ansible-playbook',
      '--inventory',
      run.inventory,
      '--user',
      run.user,
      '--private-key',
      run.identityFile,
      '--extra-vars',
      `@${values}`,
      join(FOLDER, run.playbook),
    ],
    {
      cwd: run.directory,
      env: {
        ANSIBLE_CONFIG: join(FOLDER, 'ansible.cfg'),
        ANSIBLE_LOCAL_TEMP: join(run.directory, 'local'),
        ANSIBLE_SSH_CONTROL_PATH_DIR: sockets,
        ANSIBLE_SSH_ARGS: ['-F none', ...options.map((option) => `-o ${option}`)].join(' '),
        ANSIBLE_NOCOLOR: '1',
        LC_ALL: 'C.UTF-8',
        ...(strategy === 'mitogen' ? await mitogenSettings() : {}),
      },
    },
  );
  for (const socket of await readdir(sockets)) await attempt`ssh -F none -o ControlPath=${join(sockets, socket)} -O exit any`;
  return finished;
}

/** ansible-core with pipelining. */
export const ansible = contender('ansible', 'linear', ansibleVersion);

/** The same with Mitogen's strategy. */
export const mitogen = contender('mitogen', 'mitogen', async () => {
  const core = await ansibleVersion();
  const { strategies, version } = await findMitogen();
  if (!(await readdir(strategies)).includes('mitogen_linear.py')) throw new Error(`Mitogen ${version} has no strategy mitogen_linear`);
  return `${core}, Mitogen ${version}`;
});

function contender(name: 'ansible' | 'mitogen', strategy: Strategy, version: () => Promise<string>): ClusterContender {
  return {
    name,
    version,
    apply: async (site) => runPlaybook(strategy, await clusterRun(site)),
    unchanged: playbookChangedNothing,
  };
}

/** Whether a playbook's recap names no host with a change. */
export function playbookChangedNothing({ all }: Finished): boolean {
  const recap = [...all.matchAll(/^\S+\s+: ok=\d+\s+changed=(\d+)\s/gmu)];
  return recap.length > 0 && recap.every(([, changed]) => changed === '0');
}

async function clusterRun(site: Site): Promise<PlaybookRun> {
  const [{ identityFile, user }] = site.hosts as [Site['hosts'][number]];
  const { postgresql, suite } = SYSTEMS[site.os] as DebianFacts;
  const inventory = join(site.directory, 'inventory.ini');
  const lines = site.hosts.map((host) => {
    const { address, port } = endpointOf(site, host);
    return `${host.name} ansible_host=${address} ansible_port=${port} cluster_address=${host.address}`;
  });
  await writeFile(inventory, `[cluster]\n${lines.join('\n')}\n`);
  const passwords = ['superuser', 'replicator', 'rewind', 'restapi'].map((account) => [`${account}_password`, `${account}-secret`]);
  return {
    playbook: 'cluster.yml',
    inventory,
    values: {
      pg_version: String(postgresql),
      codename: suite,
      pgdg_key_sha256: createHash('sha256')
        .update((await publicKey('pgdg')).armored)
        .digest('hex'),
      pki: join(site.directory, 'pki'),
      work_mem: site.workMem,
      ...Object.fromEntries(passwords),
    },
    knownHosts: await knownHostsOf(site, join(site.directory, 'known_hosts')),
    identityFile,
    user,
    directory: site.directory,
  };
}

async function ansibleVersion(): Promise<string> {
  const { version, pythonVersion } = await findAnsible();
  return `${version}, Python ${pythonVersion}`;
}

async function findAnsible(): Promise<{ version: string; python: string; pythonVersion: string }> {
  const { stdout } = await attempt`ansible-playbook --version`;
  const [, version] = /^ansible-playbook \[?(.+?)\]?$/mu.exec(stdout) ?? [];
  const [, pythonVersion = 'unknown', python = 'python3'] = /python version = (\S+) .*\((\/\S+)\)$/mu.exec(stdout) ?? [];
  if (version === undefined) throw new Error('ansible-playbook is not installed; on Debian it is in the package ansible-core');
  return { version: `ansible-${version}`, python, pythonVersion };
}

async function mitogenSettings(): Promise<NodeJS.ProcessEnv> {
  return { ANSIBLE_STRATEGY: 'mitogen_linear', ANSIBLE_STRATEGY_PLUGINS: (await findMitogen()).strategies };
}

async function findMitogen(): Promise<{ version: string; strategies: string }> {
  const program = "import mitogen, ansible_mitogen; print('.'.join(map(str, mitogen.__version__))); print(ansible_mitogen.__path__[0])";
  // The Python of Ansible, which need not be the first on the path.
  const answer = await attempt`${(await findAnsible()).python} -c ${program}`;
  const [version, path] = answer.stdout.split('\n');
  if (answer.exitCode !== 0 || version === undefined || path === undefined) {
    throw new Error('Mitogen is not installed; on Debian it is in the packages ansible-mitogen and python3-mitogen');
  }
  return { version, strategies: join(path, 'plugins', 'strategy') };
}
