import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UnreachableError } from '../../src/lib/errors.js';
import { LocalTransport } from '../../src/transport/local.js';
import type { Connection, Exec, ExecRequest, Target, Transport } from '../../src/transport/transport.js';

/** What a made-up machine is. */
export interface MachineOptions {
  os?: string;
  version?: string;
  systemd?: boolean;
  /** Connecting to it fails. */
  unreachable?: boolean;
  /** Which exec, counted from 1, is cut while it changes something. */
  cutExec?: number;
  /** After that no exec comes through any more. */
  deadAfterCut?: boolean;
}

/**
 * Machines that are directories of this one. Scripts really run, with what the engine itself reads of a host
 * (its os-release, systemd, the locks in /run) looked for in the machine's directory.
 */
export class Machines implements Transport {
  readonly #root: string;
  readonly #options: Readonly<Record<string, MachineOptions>>;
  /** Scripts in the order in which they were sent, by host. */
  readonly sent = new Map<string, string[]>();
  readonly open = new Set<string>();

  constructor(root: string, options: Readonly<Record<string, MachineOptions>> = {}) {
    this.#root = root;
    this.#options = options;
  }

  /** How many scripts a host was sent. */
  count(host: string): number {
    return this.sent.get(host)?.length ?? 0;
  }

  /** The directory that a machine is. */
  at(host: string, ...names: string[]): string {
    return join(this.#root, host, ...names);
  }

  async connect({ name }: Target): Promise<Connection> {
    const options = this.#options[name] ?? {};
    if (options.unreachable === true) {
      throw new UnreachableError({ kind: 'ssh/refused', host: name, message: `${name} refuses`, hint: 'start it' });
    }
    this.#furnish(name, options);
    const connection = await new LocalTransport('dash').connect();
    this.open.add(name);
    return {
      exec: (request) => this.#exec(name, connection, request, options),
      onLost: () => undefined,
      close: async () => {
        this.open.delete(name);
        await connection.close();
      },
    };
  }

  #furnish(name: string, { os = 'debian', version = '13', systemd = true }: MachineOptions): void {
    mkdirSync(this.at(name, systemd ? 'run/systemd/system' : 'run'), { recursive: true });
    writeFileSync(this.at(name, 'os-release'), `ID=${os}\nVERSION_ID="${version}"\n`);
  }

  async #exec(name: string, connection: Connection, request: ExecRequest, options: MachineOptions): Promise<Exec> {
    const scripts = this.sent.get(name) ?? [];
    this.sent.set(name, [...scripts, request.script]);
    if (options.deadAfterCut === true && options.cutExec !== undefined && scripts.length >= options.cutExec) {
      throw new UnreachableError({ kind: 'ssh/connection-lost', host: name, message: `${name} is gone`, hint: 'start it' });
    }
    const script = request.script
      .replaceAll('/etc/os-release', this.at(name, 'os-release'))
      .replaceAll('/run/pgprov', this.at(name, 'run/pgprov'))
      .replaceAll('/run/systemd/system', this.at(name, 'run/systemd/system'));
    if (options.cutExec !== scripts.length + 1) return connection.exec({ ...request, script });
    let exec: Exec | undefined;
    let cut = false;
    exec = await connection.exec({
      ...request,
      script,
      onStdout: (chunk) => {
        if (!cut) request.onStdout(chunk);
        // Once a change is under way the line goes dead: nothing that is said after comes through.
        cut ||= chunk.includes(' begin do:');
        if (cut) exec?.kill();
      },
    });
    if (cut) exec.kill();
    return exec;
  }
}
