import type { ClientChannel } from 'ssh2';

import type { PgprovError } from '../lib/errors.js';
import type { PasswordDialogue } from './become.js';
import { BecomeGate } from './become-gate.js';
import { StderrBuffer } from './stderr-buffer.js';
import type { Exec, ExecEnd, ExecRequest } from './transport.js';

/** Longest wait for sudo to take a password; PAM may ask a directory server, and delays a failure by seconds. */
const BECOME_MS = 30_000;

/** How long a script may say nothing, and what is wrong when it does so for longer. */
export interface Silence {
  ms: number;
  error: PgprovError;
}

/** A script under way on an ssh channel. */
export class SshExec implements Exec {
  readonly ended: Promise<ExecEnd>;
  readonly #channel: ClientChannel;
  readonly #request: ExecRequest;
  readonly #stderr = new StderrBuffer();
  readonly #gate: BecomeGate | undefined;
  readonly #finish: (code: number | null) => void;
  readonly #silence: Silence | undefined;
  #becoming: NodeJS.Timeout | undefined;
  #idle: NodeJS.Timeout | undefined;
  #error: PgprovError | undefined;
  #over = false;
  #inputClosed = false;

  /** @param silence how long the script may say nothing; default: for ever */
  constructor(channel: ClientChannel, request: ExecRequest, dialogue: PasswordDialogue | undefined, silence?: Silence) {
    this.#silence = silence;
    this.#channel = channel;
    this.#request = request;
    this.#gate = dialogue === undefined ? undefined : new BecomeGate(dialogue);
    let finish: (code: number | null) => void = () => {};
    this.ended = new Promise((resolve) => {
      finish = (code) => {
        const stderr = this.#stderr.text();
        const error = this.#error === undefined ? {} : { error: this.#error };
        resolve({ code, stderr: this.#gate?.clean(stderr) ?? stderr, ...error });
      };
    });
    this.#finish = finish;
    this.#listen();
    this.#heard();
    if (dialogue === undefined) this.#sendScript();
    else this.#askSudo(channel, dialogue);
  }

  /** The root shell has said that it is there, so stderr may hold words of the script. Without a dialogue it never says. */
  get becameRoot(): boolean {
    return this.#gate?.ready ?? false;
  }

  closeInput(): void {
    this.#inputClosed = true;
    // Before the root shell has its script, closing would take it away; `#sendScript` closes then.
    if (this.#gate === undefined || this.#gate.ready) this.#channel.end();
  }

  kill(): void {
    this.#channel.close();
    // sshd keeps the channel until the remote process is gone, which nobody here will wait for.
    this.end(null);
  }

  /** Ends the exec from outside, when its connection is gone. */
  end(code: number | null): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#becoming);
    clearTimeout(this.#idle);
    this.#finish(code);
  }

  /** Starts the wait for the next word anew. */
  #heard(): void {
    clearTimeout(this.#idle);
    if (this.#silence === undefined || this.#over) return;
    this.#idle = setTimeout(() => {
      if (this.#request.isComplete?.() === true) return;
      this.#error = this.#silence?.error;
      this.kill();
    }, this.#silence.ms);
  }

  #listen(): void {
    const channel = this.#channel;
    // A shell that ends before it has read everything is not an error of ours; its exit code tells.
    channel.on('error', () => {});
    channel.stderr.on('error', () => {});
    channel.on('data', (chunk: Buffer) => this.#onStdout(chunk));
    channel.stderr.on('data', (chunk: Buffer) => this.#onStderr(chunk));
    // `exit` is not waited for: that of a quick command comes in one piece with the answer to our request, before anybody
    // listens. ssh2 gives its arguments to `close` again, which only comes once stdout was read.
    channel.on('close', (status?: number | null) => this.end(status ?? null));
  }

  #onStdout(chunk: Buffer): void {
    if (this.#over) return;
    this.#heard();
    const gate = this.#gate;
    if (gate === undefined || gate.ready) {
      this.#request.onStdout(chunk);
      return;
    }
    const rest = gate.stdout(chunk);
    if (rest === undefined) return;
    clearTimeout(this.#becoming);
    this.#sendScript(gate.go);
    if (rest.length > 0) this.#request.onStdout(rest);
  }

  #onStderr(chunk: Buffer): void {
    this.#heard();
    this.#stderr.add(chunk);
    // End of input makes sudo give up after the one wrong password, instead of guessing on.
    if (this.#gate?.askedAgain(chunk)) this.#channel.end();
  }

  #askSudo(channel: ClientChannel, dialogue: PasswordDialogue): void {
    channel.write(dialogue.passwordLine);
    this.#becoming = setTimeout(() => channel.end(), BECOME_MS);
  }

  #sendScript(before = ''): void {
    // ssh2 sends as much as the remote window takes and keeps the rest, so one write of the whole script is safe.
    this.#channel.write(before + this.#request.script);
    if (this.#request.holdInput !== true || this.#inputClosed) this.#channel.end();
  }
}
