import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UnreachableError } from '../../src/lib/errors.js';
import type { Script } from '../../src/shell/quote.js';
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
  /** Comes before everything that it is sent, such as functions in the place of its programs. */
  before?: Script;
  /** After that no exec comes through any more. */
  deadAfterCut?: boolean;
}

/** Told what a machine said, after whoever asked was. */
export type Heard = (host: string, said: string) => void;

/**
 * Machines that are directories of this one. Scripts really run, with what the engine itself reads of a host
 * (its os-release, systemd, the locks in /run) looked for in the machine's directory.
 */
export class Machines implements Transport {
  readonly #root: string;
  readonly #options: Readonly<Record<string, MachineOptions>>;
  readonly #heard: Heard;
  /** Scripts in the order in which they were sent, by host. */
  readonly sent = new Map<string, string[]>();
  readonly open = new Set<string>();

  constructor(root: string, options: Readonly<Record<string, MachineOptions>> = {}, heard: Heard = () => undefined) {
    this.#root = root;
    this.#options = options;
    this.#heard = heard;
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
      .replaceAll('/var/lib/pgprov', this.at(name, 'var/lib/pgprov'))
      .replaceAll('/run/pgprov', this.at(name, 'run/pgprov'))
      .replaceAll('/run/systemd/system', this.at(name, 'run/systemd/system'));
    const onStdout = (chunk: Buffer): void => {
      request.onStdout(chunk);
      this.#heard(name, chunk.toString('utf8'));
    };
    if (options.cutExec !== scripts.length + 1) {
      return connection.exec({ ...request, script: options.before === undefined ? script : `${options.before.text}\n${script}`, onStdout });
    }
    let exec: Exec | undefined;
    let cut = false;
    exec = await connection.exec({
      ...request,
      script,
      onStdout: (chunk) => {
        if (cut) return;
        // Once a change is under way the line goes dead: nothing that is said after comes through, even what comes with it.
        const begins = chunk.indexOf(' begin do:');
        cut = begins >= 0;
        const end = chunk.indexOf('\n', begins);
        onStdout(cut && end >= 0 ? chunk.subarray(0, end + 1) : chunk);
        if (cut) exec?.kill();
      },
    });
    if (cut) exec.kill();
    return exec;
  }
}
