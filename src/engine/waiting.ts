import { callOff } from '../shell/call-off.js';
import type { Session } from './session.js';

/** A step under way that may wait for other hosts, and can be told that it need not any more. */
export class Waiting {
  /** Hosts without each of which it waits in vain. */
  readonly needs: ReadonlySet<string>;
  readonly #session: Session;
  #begun = false;
  #why: string | undefined;

  constructor(session: Session, needs: readonly string[]) {
    this.#session = session;
    this.needs = new Set(needs);
  }

  /** The host's script has come to its first change or gate, so what it is told now is not cleared away by its beginning. */
  begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    if (this.#why !== undefined) this.#tell(this.#why);
  }

  /** It need not wait any longer. The first reason counts; one line, as a clause: `pg1 failed`. */
  callOff(why: string): void {
    if (this.#why !== undefined) return;
    this.#why = why;
    if (this.#begun) this.#tell(why);
  }

  /** A host that does not hear of it waits as long as it would have. */
  #tell(why: string): void {
    this.#session.run([{ id: 'call-off', body: callOff(why), mode: 'step' }]).catch(() => {});
  }
}
