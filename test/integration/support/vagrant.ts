import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureLab, LAB_DIR, removeLab, type System } from '../../lab/index.js';
import { attempt } from '../../lab/process.js';
import type { Finished } from './pgprov.js';

const VAGRANTFILE = fileURLToPath(new URL('../../../inventory/vagrant/Vagrantfile', import.meta.url));
const PROGRAM = fileURLToPath(new URL('../../../bin/pgprov.js', import.meta.url));

/** The network of the test hosts' own lab, over which they reach the mirror. */
const NAME = 'itvagrant';

/** A directory with the project's own Vagrantfile in it, for the docker provider, and settings of a test besides. */
export class VagrantLab {
  readonly directory: string;
  readonly #os: System;
  readonly #network: string;

  private constructor(directory: string, os: System, network: string) {
    this.directory = directory;
    this.#os = os;
    this.#network = network;
  }

  /** @param network the first three numbers of the machines' private addresses */
  static async make(os: System, network: string): Promise<VagrantLab> {
    const lab = new VagrantLab(await mkdtemp(join(tmpdir(), 'pgprov-vagrant-')), os, network);
    await ensureLab([os]);
    await lab.write();
    return lab;
  }

  /** Writes the Vagrantfile; `more` is Ruby in a block that has `config`. */
  async write(more = ''): Promise<void> {
    await writeFile(
      join(this.directory, 'Vagrantfile'),
      `load ${JSON.stringify(VAGRANTFILE)}\nVagrant.configure("2") do |config|\n${more}\nend\n`,
    );
  }

  /** A file that pgprov keeps of the lab. */
  kept(...names: string[]): string {
    return join(this.directory, '.vagrant', 'provisioners', 'pgprov', ...names);
  }

  vagrant(...args: string[]): Promise<Finished> {
    return this.#run(['vagrant', ...args]);
  }

  /** Runs vagrant on a terminal, which shows in its output. */
  vagrantAtTerminal(...args: string[]): Promise<Finished> {
    return this.#run(['script', '-qec', ['vagrant', ...args].join(' '), '/dev/null']);
  }

  /** Runs vagrant, and presses Ctrl-C when its output matches. */
  vagrantInterrupted(pattern: RegExp, ...args: string[]): Promise<Finished> {
    return this.#run(['vagrant', ...args], pattern);
  }

  pgprov(...args: string[]): Promise<Finished> {
    return this.#run([process.execPath, PROGRAM, ...args]);
  }

  /** The engine's containers and networks of these machines. */
  async traces(): Promise<string[]> {
    const containers = await attempt`docker ps --all --filter ${`name=${
      this.directory
        .split('/')
        .at(-1)
        ?.replace(/[^-\w]/gu, '') ?? ''
    }`} --format ${'{{.Names}}'}`;
    const networks = await attempt`docker network ls --filter ${`name=vagrant_network_${this.#network}`} --format ${'{{.Name}}'}`;
    return `${containers.stdout}\n${networks.stdout}`.split('\n').filter((line) => line !== '');
  }

  async remove(): Promise<void> {
    await this.write();
    await this.vagrant('destroy', '--force');
    await removeLab(NAME);
    await rm(this.directory, { recursive: true, force: true });
  }

  async #run([program = '', ...args]: string[], interruptAt?: RegExp): Promise<Finished> {
    const home = join(this.directory, 'home');
    await mkdir(home, { recursive: true });
    // A process group of its own, which is what Ctrl-C goes to.
    const child = spawn(program, args, {
      cwd: this.directory,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        TERM: 'xterm',
        PGPROV_LAB_DIR: LAB_DIR,
        VAGRANT_HOME: home,
        VAGRANT_DEFAULT_PROVIDER: 'docker',
        VAGRANT_CHECKPOINT_DISABLE: '1',
        LAB_NAME: NAME,
        LAB_OS: this.#os,
        LAB_STAGE: 'packages',
        LAB_NETWORK: this.#network,
      },
    });
    let [stdout, stderr, all] = ['', '', ''];
    let pressed = false;
    const take = (text: string): void => {
      all += text;
      if (interruptAt === undefined || pressed || !interruptAt.test(all)) return;
      pressed = true;
      process.kill(-(child.pid as number), 'SIGINT');
    };
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      take(text);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      take(text);
    });
    return new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr, all }));
    });
  }
}
