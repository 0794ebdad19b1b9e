import type { EventListener, TimedListener } from '../../events.js';
import { ExitCode } from '../../lib/errors.js';
import { redact } from '../../lib/secret.js';
import type { Inventory } from '../../model/index.js';
import { mapEvent } from '../../report/map-event.js';
import { createReporter, type OutputChoice, type Reporter } from '../../report/reporter.js';
import type { TimedEvent } from '../../report/timings.js';
import type { Environment } from './environment.js';
import { holdBack } from './hold-back.js';
import { journaled, type JournalHead } from './journaled.js';
import { lookLine, NO_LINE, type LookLine } from './look-line.js';
import type { RunClock } from './timings.js';
import { tellTrouble, type Trouble } from './trouble.js';

/** What is shown of a command while it runs. */
export interface Shows {
  /** `run`: the run itself. `answer`: stdout has the answer alone, and only trouble is told, on stderr. */
  shows: 'run' | 'answer';
  /** What its stderr has with `answer`; default: failures and warnings. */
  tells?: readonly Trouble[];
  /** It is silent but for its answer: no line while it looks, none about the report. */
  quiet?: boolean;
  /** What its journal begins with; without it none is kept. */
  journal?: JournalHead;
  /** Everything is held back until it begins; what never begins has no place in the journal. */
  holds?: boolean;
}

/** Where a command shows itself. */
export interface ShowingParts {
  environment: Environment;
  form: OutputChoice;
  /** Hears what is told. */
  clock: RunClock;
  inventory: Inventory;
  /** The cluster's directory beside the inventory, with its journals. */
  store: string;
}

/** How a command ended that never began. */
export interface Unbegun {
  exitCode: ExitCode;
  /** A person said no. */
  declined: boolean;
}

/** Shows a command while it runs: holds its events back while a person may be asked, then passes them to report, journal and clock. */
export class Showing {
  readonly #parts: ShowingParts;
  readonly #held;
  readonly #line: LookLine;
  readonly #trouble: EventListener;
  readonly #reporter: Reporter | undefined;
  readonly #report: TimedListener;
  readonly #journal: ReturnType<typeof journaled> | undefined;
  readonly #isLive: boolean;
  #begun = false;
  #reports = false;

  private constructor(command: Shows, parts: ShowingParts, reporter: Reporter | undefined) {
    const { shows, tells = ['failed', 'warning'], quiet = false, holds = false, journal: head } = command;
    const { environment, form, clock, inventory, store } = parts;
    const { err, variables, now } = environment;
    this.#parts = parts;
    this.#isLive = shows === 'run';
    this.#held = holdBack(now);
    this.#line = form.kind !== 'json' && !quiet && (shows === 'answer' || holds) ? lookLine(err, variables) : NO_LINE;
    const tell = tellTrouble(err, tells);
    this.#trouble = (event) => {
      if (event.type === 'failed' || event.type === 'warning') this.#line.erase();
      tell(event);
    };
    this.#reporter = reporter;
    this.#report = clock.listen((event, at) => {
      this.#reports = true;
      (reporter?.emit ?? this.#trouble)(event, at);
    });
    this.#journal = head === undefined ? undefined : journaled(store, inventory, head, this.#report);
    if (!holds) this.begin();
  }

  /** Gets everything ready; draws nothing yet. */
  static async open(command: Shows, parts: ShowingParts): Promise<Showing> {
    const { environment, form } = parts;
    const reporter =
      command.shows === 'run' || form.kind === 'json'
        ? await createReporter(form.kind, { out: environment.out, err: environment.err, color: form.color })
        : undefined;
    return new Showing(command, parts, reporter);
  }

  /** Takes an event of the command. */
  readonly emit: EventListener = (event) => {
    this.#line.emit(event);
    this.#held.emit(event);
  };

  /** Tells something at once that a person must hear now, whatever is held back. */
  readonly tellNow: EventListener = (event) => (this.#begun ? this.emit(event) : this.#trouble(event));

  /** Id of the journal; undefined when none is kept, or nothing began. */
  get run(): string | undefined {
    return this.#journal?.run;
  }

  /** What was held back and is not told yet. */
  get waiting(): TimedEvent[] {
    return this.#held.waiting.map(({ event, at }) => ({ ...mapEvent(event, redact), at: at.toISOString() }));
  }

  /** From now on it counts: what was held back is told, and the journal begins. */
  begin(): void {
    if (this.#begun) return;
    this.#begun = true;
    if (this.#isLive) this.#line.end();
    this.#held.release(this.#journal?.emit ?? this.#report);
  }

  /** Makes way for a question, ahead of which a person is told what is warned of. */
  clear(): void {
    this.#line.erase();
    for (const { event } of this.#held.waiting) if (event.type === 'warning') this.#trouble(event);
  }

  /** Tells of a command that never began: of a no, only the page about it; of trouble, only that. */
  endUnbegun({ exitCode, declined }: Unbegun): void {
    const { clock, form } = this.#parts;
    this.#line.end();
    if (this.#begun) return;
    if (declined) this.#held.release(clock.listen(() => undefined));
    else this.#held.release(exitCode === ExitCode.done || form.kind === 'json' ? this.#report : clock.listen(this.#trouble));
  }

  /** Shows what is left to show and gives the terminal back. */
  async close(): Promise<void> {
    this.#line.end();
    if (this.#reports) await this.#reporter?.close();
    this.#journal?.close();
  }
}
