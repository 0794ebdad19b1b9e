import type { PasswordDialogue } from './become.js';

/** How many bytes of stderr are searched for prompts; a lecture and a banner fit many times over. */
const SEARCHED = 16 * 1024;

/** Follows the dialogue with sudo chunk by chunk until the root shell is there. */
export class BecomeGate {
  readonly #dialogue: PasswordDialogue;
  #stdout = Buffer.alloc(0);
  #stderr = Buffer.alloc(0);
  #ready = false;

  constructor(dialogue: PasswordDialogue) {
    this.#dialogue = dialogue;
  }

  /** The root shell has announced itself. */
  get ready(): boolean {
    return this.#ready;
  }

  /** The line to send ahead of the script. */
  get go(): string {
    return this.#dialogue.go;
  }

  /** Takes a chunk of stdout; gives what came after the announcement, or nothing while it is still awaited. */
  stdout(chunk: Buffer): Buffer | undefined {
    if (this.#ready) return chunk;
    const { ready } = this.#dialogue;
    const seen = Buffer.concat([this.#stdout, chunk]);
    const at = seen.indexOf(ready);
    if (at === -1) {
      // Noise of a login shell is of no use; only a possible beginning of the announcement is kept.
      this.#stdout = seen.subarray(Math.max(0, seen.length - ready.length));
      return undefined;
    }
    this.#ready = true;
    return seen.subarray(at + ready.length);
  }

  /** Takes a chunk of stderr; true when sudo asks once more, which means that the password was wrong. */
  askedAgain(chunk: Buffer): boolean {
    if (this.#ready) return false;
    this.#stderr = Buffer.concat([this.#stderr, chunk]).subarray(-SEARCHED);
    const first = this.#stderr.indexOf(this.#dialogue.prompt);
    return first !== -1 && this.#stderr.indexOf(this.#dialogue.prompt, first + 1) !== -1;
  }

  /** stderr text without our prompts. */
  clean(stderr: string): string {
    return stderr.replaceAll(this.#dialogue.prompt, '');
  }
}
