import type { ClusterEnd } from '../../engine/cluster.js';
import type { EventListener } from '../../events.js';
import { ExitCode, InputError } from '../../lib/errors.js';
import { pgprov } from '../../lib/pgprov-command.js';
import { isOpenFile, type Host, type Inventory } from '../../model/index.js';
import { chooseOutput, type OutputChoice } from '../../report/reporter.js';
import { takeLocalLock } from '../../store/local-lock.js';
import { storeDirectory } from '../../store/store.js';
import type { Transport } from '../../transport/transport.js';
import { loadFor } from '../inventory.js';
import type { OutputOptions } from '../options.js';
import type { AskOptions } from '../ssh-passwords.js';
import type { Environment } from './environment.js';
import { openReport, reported, type ReportFile } from './html-report-file.js';
import { onInterrupt } from './interrupt.js';
import { describeInvocation, type Invocation } from './invocation.js';
import { askFirst, Declined, type Question } from './question.js';
import { Showing, type Shows } from './showing.js';
import { tell, type Notice } from './tell.js';
import { RunClock, type ReportOptions, type TimingOptions } from './timings.js';

/** Options that the pipeline itself reads. */
export type PipelineOptions = OutputOptions &
  TimingOptions &
  ReportOptions &
  AskOptions & {
    /** Change a cluster that holds data without asking. */
    yes?: boolean;
  };

/** What the engine is given by the pipeline. */
export interface EngineParts {
  transport: Transport;
  emit: EventListener;
  /** Aborting lets steps under way end and starts no more. */
  signal: AbortSignal;
  /** From now on it counts: what was held back is told, and the journal begins. */
  begin(): Promise<void>;
  /** Shows what is about to be done and asks; gives the milliseconds until the answer, undefined where nobody was asked. */
  ask(question: Question): Promise<number | undefined>;
}

/** What a command says of itself, and is its own. One that changes something has a journal, and takes the local lock. */
export interface Passage<Outcome extends ClusterEnd> extends Shows {
  /** The command as one would write it, without inventory and options. */
  command: string;
  /** More for the page about it. */
  about?: Pick<Invocation, 'resumes' | 'follows' | 'plan'>;
  /** Those that it connects to; default: all. */
  hosts?: readonly Host[];
  /** Its answer has the times already. */
  hasTimings?: boolean;
  /** Looks, asks and carries out. */
  go(parts: EngineParts): Promise<Outcome>;
  /** Reports what came of it; default: its exit code says it. */
  answer?(outcome: Outcome): ExitCode | Promise<ExitCode>;
}

/** What came of it, and whether a person said no. */
interface Gone<Outcome> {
  outcome: Outcome;
  declined: boolean;
}

/**
 * The one way of a command through the command line: options -> inventory -> connect -> look -> ask -> carry out -> report. A command opens it
 * with its options and hands it what is its own.
 */
export class Pipeline {
  readonly inventory: Inventory;
  readonly environment: Environment;
  /** How progress is shown. */
  readonly form: OutputChoice;
  readonly #options: PipelineOptions;
  readonly #page: ReportFile | undefined;
  readonly #clock: RunClock;
  #journaled: string | undefined;

  private constructor(inventory: Inventory, environment: Environment, options: PipelineOptions, page: ReportFile | undefined) {
    this.inventory = inventory;
    this.environment = environment;
    this.form = chooseOutput(options.output, environment.out, environment.variables);
    this.#options = options;
    this.#page = page;
    this.#clock = new RunClock(options);
  }

  /**
   * Reads the inventory, and makes sure that the page which is asked for could be written.
   * @throws InputError when it could not, or the inventory is wrong
   */
  static async open(file: string, options: PipelineOptions, environment: Environment): Promise<Pipeline> {
    if (isOpenFile(file)) throw hasNoPlace(file);
    const page = await openReport(options.report);
    return new Pipeline(await loadFor(file, options), environment, options, page);
  }

  /** The same for another form of the inventory; undefined: it stays as it is. */
  goingBy(inventory: Inventory | undefined): Pipeline {
    return inventory === undefined ? this : new Pipeline(inventory, this.environment, this.#options, this.#page);
  }

  /** Where the cluster's keys, passwords and journals are. */
  get store(): string {
    return storeDirectory(this.inventory.dir, this.inventory.cluster);
  }

  /** There is a person who can be asked. */
  get canAsk(): boolean {
    return this.form.kind !== 'json' && this.environment.canAsk();
  }

  /** Where the time went; undefined when nobody asked, or no run began. */
  get timings(): RunClock['timings'] {
    return this.#clock.timings;
  }

  /** Id of the journal of the run; undefined when none is kept, or no run began. */
  get run(): string | undefined {
    return this.#journaled;
  }

  /** Prints an answer. */
  print(text: string): void {
    this.environment.out.write(`${text}\n`);
  }

  /** Says something ahead of a run. */
  tell(...notices: readonly Notice[]): void {
    tell(notices, this.#options.output, this.environment.out);
  }

  /** Takes a command through all that comes after the inventory; gives its exit code. */
  async carryOut<Outcome extends ClusterEnd>(passage: Passage<Outcome>): Promise<ExitCode> {
    const { environment, inventory, form, store } = this;
    const { command, about, hasTimings = false, quiet = false } = passage;
    const clock = this.#clock;
    const showing = await Showing.open(passage, { environment, form, clock, inventory, store });
    const words = describeInvocation(inventory, command, this.#options, about);
    const heard = {
      get events() {
        return [...clock.events, ...showing.waiting];
      },
    };
    return reported(this.#page, { words, clock: heard, told: form.kind !== 'json' && !quiet, out: environment.out }, async () => {
      const { outcome, declined } = await this.#locked(passage, showing);
      this.#journaled = showing.run;
      if (declined) {
        this.print('Nothing was changed.');
        return outcome.exitCode;
      }
      const exitCode = (await passage.answer?.(outcome)) ?? outcome.exitCode;
      if (!hasTimings) clock.tell(form.kind, environment.out);
      return exitCode;
    });
  }

  async #locked<Outcome extends ClusterEnd>(passage: Passage<Outcome>, showing: Showing): Promise<Gone<Outcome>> {
    // Before anything is drawn, because a person may be asked for a passphrase.
    const transport = await this.environment.transportTo(passage.hosts ?? this.inventory.hosts);
    const release = passage.journal === undefined ? async () => undefined : await takeLocalLock(this.store);
    try {
      return await this.#run(passage, showing, transport);
    } finally {
      await release();
    }
  }

  /** Lets the engine work. */
  async #run<Outcome extends ClusterEnd>(passage: Passage<Outcome>, showing: Showing, transport: Transport): Promise<Gone<Outcome>> {
    const { environment, canAsk } = this;
    const interrupt = new AbortController();
    const { signal } = interrupt;
    let [asking, declined] = [false, false];
    // There are no steps that could be finished while a question is open: it is answered with no.
    const stopListening = onInterrupt(
      interrupt,
      (how) => (asking ? undefined : showing.interrupted(how)),
      () => void showing.leave().finally(() => process.exit(ExitCode.interrupted)),
    );
    const how = { ...environment, yes: this.#options.yes === true, canAsk, signal, clear: () => showing.clear() };
    const ask = async (question: Question): Promise<number | undefined> => {
      asking = true;
      try {
        return await askFirst(question, how);
      } catch (error) {
        declined = error instanceof Declined;
        throw error;
      } finally {
        asking = false;
      }
    };
    try {
      const outcome = await passage.go({ transport, emit: showing.emit, signal, begin: async () => showing.begin(), ask });
      // Who ends it before it begins says no, as at the question.
      declined ||= outcome.exitCode === ExitCode.interrupted && passage.shows === 'run' && !showing.begun;
      showing.endUnbegun({ exitCode: outcome.exitCode, declined });
      return { outcome, declined };
    } finally {
      stopListening();
      await showing.close();
    }
  }
}

/** The store of a cluster lies beside its inventory, and beside what is open and has no directory there is none. */
function hasNoPlace(file: string): InputError {
  return new InputError({
    kind: 'inventory/no-place',
    message: `${file} has no directory: the cluster’s keys and passwords are kept beside the inventory, in .pgprov/`,
    hint: `write the inventory to a file; only ${pgprov`validate ${file}`} and ${pgprov`show ${file}`} take it as it is`,
  });
}
