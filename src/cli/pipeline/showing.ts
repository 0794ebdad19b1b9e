import type { EventListener, RunEvent, TimedListener } from '../../events.js';
import { ExitCode } from '../../lib/errors.js';
import { redact } from '../../lib/secret.js';
import type { Inventory } from '../../model/index.js';
import { mapEvent } from '../../report/map-event.js';
import { flush } from '../../report/flush.js';
import { createReporter, type OutputChoice, type Reporter } from '../../report/reporter.js';
import { RunState } from '../../report/run-state.js';
import type { TimedEvent } from '../../report/timings.js';
import type { Environment } from './environment.js';
import { holdBack } from './hold-back.js';
import { journaled, type JournalHead } from './journaled.js';
import { lookLine, lookLines, NO_LINE, type LookLine } from './look-line.js';
import { heedLosses, tellLoss } from './loss.js';
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
  /** Everything is held back until it begins; what never begins has a place in the journal only where it failed. */
  holds?: boolean;
}

const TROUBLE: ReadonlySet<RunEvent['type']> = new Set(['failed', 'warning', 'interrupted', 'left']);

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
  readonly #head: JournalHead | undefined;
  /** All that has happened, also what is held back. */
  readonly #state = new RunState();
  readonly #unheed: () => void;
  readonly #isLive: boolean;
  #journal: ReturnType<typeof journaled> | undefined;
  #closed: Promise<void> | undefined;
  #begun = false;
  #reports = false;

  private constructor(command: Shows, parts: ShowingParts, reporter: Reporter | undefined) {
    const { shows, tells = ['failed', 'warning'], quiet = false, holds = false, journal: head } = command;
    const { environment, form, clock, inventory, store } = parts;
    const { err, variables, now } = environment;
    this.#parts = parts;
    this.#isLive = shows === 'run';
    this.#held = holdBack(now);
    // A run that holds all back says nothing else until it begins; an answer is waited for by a program mostly.
    const otherwise = shows === 'run' && holds ? lookLines(err) : NO_LINE;
    this.#line = form.kind !== 'json' && !quiet && (shows === 'answer' || holds) ? lookLine(err, variables, otherwise) : NO_LINE;
    const tell = tellTrouble(err, tells);
    this.#trouble = (event) => {
      if (TROUBLE.has(event.type)) this.#line.erase();
      tell(event);
    };
    this.#reporter = reporter;
    this.#report = clock.listen((event, at) => {
      this.#reports = true;
      (reporter?.emit ?? this.#trouble)(event, at);
    });
    this.#head = head;
    this.#journal = head === undefined ? undefined : journaled(store, inventory, head, this.#report);
    if (!holds) this.begin();
    this.#unheed = this.#isLive ? heedLosses(environment, (text) => this.emit({ type: 'warning', text })) : () => undefined;
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
    this.#state.apply(event);
    this.#line.emit(event);
    this.#held.emit(event);
  };

  /** Says at once that the run was told to end, whatever is held back. */
  interrupted(how: string): void {
    this.#tellNow({ type: 'interrupted', how, underWay: this.#state.underWay });
  }

  /** Says what the hosts are still at where nobody waits for them any more, and gives the terminal back. */
  async leave(): Promise<void> {
    const again = this.#begun ? this.#journal?.again : undefined;
    this.#tellNow({ type: 'left', underWay: this.#state.underWay, ...(again === undefined ? {} : { again }) });
    await this.close();
  }

  #tellNow(event: RunEvent): void {
    if (this.#begun) this.emit(event);
    else this.#trouble(event);
  }

  /** What was held back is told, and the journal has begun. */
  get begun(): boolean {
    return this.#begun;
  }

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
    const { clock, form, inventory, store } = this.#parts;
    this.#line.end();
    if (this.#begun) return;
    if (declined) return this.#held.release(clock.listen(() => undefined));
    const tell = exitCode === ExitCode.done || form.kind === 'json' ? this.#report : clock.listen(this.#trouble);
    const isJournaled = this.#head !== undefined && exitCode !== ExitCode.done && exitCode !== ExitCode.interrupted;
    this.#journal = isJournaled ? journaled(store, inventory, { ...this.#head, unbegun: true }, tell) : undefined;
    this.#held.release(this.#journal?.emit ?? tell);
  }

  /** Shows what is left to show and gives the terminal back. */
  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    this.#line.end();
    if (this.#reports) await this.#reporter?.close();
    this.#unheed();
    const { environment, inventory } = this.#parts;
    await flush(environment.out);
    if (this.#isLive) tellLoss(environment, { state: this.#state, run: this.run, inventory: inventory.file });
    this.#journal?.close();
  }
}
