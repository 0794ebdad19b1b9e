import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { InputError } from '../../lib/errors.js';
import { hostBlocks } from './host-blocks.js';
import type { Machine } from './machine.js';

/** A directory with a Vagrantfile. */
export interface VagrantProject {
  /** Where the Vagrantfile is. */
  root: string;
  /** Where Vagrant keeps what it knows of its machines, `.vagrant`. */
  data: string;
}

/**
 * The project that a directory belongs to; as with Vagrant, the Vagrantfile may be in a directory above.
 * @throws InputError `vagrant/no-directory`, `vagrant/no-vagrantfile`
 */
export function findProject(directory: string, env: NodeJS.ProcessEnv): VagrantProject {
  const start = resolve(directory);
  if (!isDirectory(start)) {
    const isFile = existsSync(start);
    throw new InputError({
      kind: 'vagrant/no-directory',
      message: `--vagrant ${directory}: ${isFile ? 'that is a file, not the directory of a Vagrantfile' : 'there is no such directory'}`,
      hint: isFile
        ? 'an inventory goes before the option: `pgprov apply inventory.yml --vagrant`'
        : 'name the directory that holds the Vagrantfile; without one, it is the current directory',
    });
  }
  const names = env['VAGRANT_VAGRANTFILE'] ? [env['VAGRANT_VAGRANTFILE']] : ['Vagrantfile', 'vagrantfile'];
  for (let root = start; ; root = dirname(root)) {
    if (names.some((name) => existsSync(resolve(root, name))))
      return { root, data: resolve(root, env['VAGRANT_DOTFILE_PATH'] || '.vagrant') };
    if (dirname(root) === root) break;
  }
  throw new InputError({
    kind: 'vagrant/no-vagrantfile',
    message: `there is no ${names[0]} in ${start}, nor in a directory above it`,
    hint: 'name the directory that holds it: --vagrant DIR',
  });
}

/** The ids of the machines that exist, by their names, as Vagrant keeps them. */
export function machineIds({ data }: VagrantProject): Map<string, string> {
  const ids = new Map<string, string>();
  for (const name of namesIn(join(data, 'machines'))) {
    for (const provider of namesIn(join(data, 'machines', name))) {
      const file = join(data, 'machines', name, provider, 'id');
      const id = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
      if (id !== '') ids.set(name, id);
    }
  }
  return ids;
}

/**
 * Asks Vagrant for its machines. Takes some seconds, because Vagrant is started twice.
 * @throws InputError when Vagrant cannot be run, or fails
 */
export async function askVagrant(project: VagrantProject): Promise<Machine[]> {
  const ids = machineIds(project);
  const states = readStates(await vagrant(project, ['status', '--machine-readable']));
  const running = [...states].filter(([name, state]) => state === 'running' && ids.has(name)).map(([name]) => name);
  // Of a machine that is down it would print nothing, and fail.
  const blocks = running.length === 0 ? new Map<string, string>() : hostBlocks(await vagrant(project, ['ssh-config', ...running]));
  return [...states.keys()].map((name) => {
    const id = ids.get(name);
    const sshConfig = blocks.get(name);
    return {
      name,
      running: running.includes(name),
      ...(id === undefined ? {} : { id }),
      ...(sshConfig === undefined ? {} : { sshConfig }),
    };
  });
}

/** The machines' states by name, in the Vagrantfile's order, from lines `TIME,NAME,state,STATE`. */
export function readStates(output: string): Map<string, string> {
  const fields = output.split('\n').map((line) => line.split(','));
  return new Map(
    fields.flatMap(([, name = '', what, state = '']) => (what === 'state' && name !== '' ? [[name, state.trim()] as const] : [])),
  );
}

async function vagrant({ root }: VagrantProject, args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)('vagrant', args, { cwd: root, maxBuffer: 16 * 1024 * 1024 });
    return stdout;
  } catch (cause) {
    const { code, stderr = '', stdout = '' } = cause as NodeJS.ErrnoException & { stderr?: string; stdout?: string };
    const missing = code === 'ENOENT';
    throw new InputError({
      kind: missing ? 'vagrant/not-installed' : 'vagrant/failed',
      message: missing
        ? 'the command `vagrant` is not there'
        : `\`vagrant ${args[0]}\` failed in ${root}: ${`${stderr}\n${stdout}`.trim().split('\n').slice(0, 8).join(' | ')}`,
      hint: missing
        ? 'install Vagrant, or give the output of `vagrant ssh-config` in a file: --ssh-config FILE'
        : 'fix what it says; `vagrant status` shows the machines',
      cause,
    });
  }
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function namesIn(directory: string): string[] {
  return isDirectory(directory) ? readdirSync(directory).sort() : [];
}
