import type { EventListener, HostPhase } from '../events.js';
import { asPgprovError } from '../lib/errors.js';
import type { Host } from '../model/index.js';
import type { HostWork } from '../plan/host-work.js';
import { thoroughly, type Observation } from '../resources/resource.js';
import { HOLD_UNTIL_INPUT_CLOSES, RELEASE_STEP_LOCK, takeRunLock, takeStepLock } from '../shell/lock.js';
import { joinScripts } from '../shell/quote.js';
import { holderName } from '../store/lock-file.js';
import type { Exec, Transport } from '../transport/transport.js';
import type { WorkOfHosts } from './work-of-hosts.js';
import { withWayOn } from './way-on.js';
import type { RunResults } from './run-results.js';
import { LookTimer } from './look-timer.js';
import { Session } from './session.js';
import { STEP_LOCK_TIMEOUT } from './step.js';
import { allObservations, probeSections, survey, takeStates } from './survey.js';

/** What becomes of hosts that do not answer: all reasons are given and nothing is done, or the others continue. */
type Unreachable = 'refuse' | 'go-on';

/** How the hosts of a run are reached. */
export interface CrewOptions {
  hosts: readonly Host[];
  unreachable: Unreachable;
  /** The command has `--host`, so that a person can leave out a host that does not answer. */
  leavesOut?: boolean;
  /** Whether the first look takes a lock on each host, which is held to the end. */
  locks: boolean;
  /** Take also hosts of systems that pgprov was not tested on. */
  allowUntested?: boolean;
  transport: Transport;
  results: RunResults;
  emit: EventListener;
  signal: AbortSignal;
}

/** A part of the preparation on one host. */
interface Part {
  phase: HostPhase;
  work(host: Host): Promise<void>;
}

/** The hosts that take part in a run, from the first connection to the goodbye. */
export class HostConnections {
  readonly sessions: Map<string, Session>;
  readonly #options: CrewOptions;
  #hosts: readonly Host[];
  /** Connections that were begun, by host; why one failed is told by whoever takes it from here. */
  readonly #dialled = new Map<string, Promise<Session>>();
  /** Calls off connections that nobody waits for any more. */
  readonly #abort = new AbortController();
  /** Execs that hold the hosts' locks until their input is closed. */
  readonly #locks: Exec[];

  constructor(options: CrewOptions, of: { sessions: Map<string, Session>; locks: Exec[] } = { sessions: new Map(), locks: [] }) {
    this.#options = options;
    this.#hosts = options.hosts;
    this.sessions = of.sessions;
    this.#locks = of.locks;
  }

  /** The same connections but for those to these hosts. */
  without(names: readonly string[]): HostConnections {
    const isLeft = (name: string): boolean => !names.includes(name);
    const sessions = new Map([...this.sessions].filter(([name]) => isLeft(name)));
    return new HostConnections(
      { ...this.#options, hosts: this.#hosts.filter(({ name }) => isLeft(name)) },
      { sessions, locks: this.#locks },
    );
  }

  /** Whether a host can be asked: it was connected to, and has not fallen silent since. */
  answers(name: string): boolean {
    return this.sessions.has(name) && !this.#options.results.hasFallenSilent(name);
  }

  /** In inventory order, without those that do not answer where the others continue. */
  get hosts(): readonly Host[] {
    return this.#hosts;
  }

  /** What was seen last of those of them that are connected, by their names. */
  get states(): ReadonlyMap<string, ReadonlyMap<string, unknown>> {
    const seen = this.#hosts.map(({ name }) => [name, this.sessions.get(name)?.states] as const);
    return new Map(seen.flatMap(([name, states]) => (states === undefined ? [] : [[name, states]])));
  }

  /** Begins to connect; `connect` returns the outcome. */
  connectAll(): void {
    const { transport, signal } = this.#options;
    const until = AbortSignal.any([signal, this.#abort.signal]);
    for (const host of this.#hosts) {
      const dialled = Session.open(host, transport, until);
      dialled.catch(() => {});
      this.#dialled.set(host.name, dialled);
    }
  }

  /** Waits for the connections that were begun, where a host that does not answer keeps the others from being looked at. */
  async connect(): Promise<void> {
    const { unreachable } = this.#options;
    if (unreachable === 'refuse') await this.#forAll(unreachable, this.#connecting());
  }

  /** Asks all hosts everything, each as soon as its connection is there, and settles their shapes by what they are. */
  async survey(shapes: WorkOfHosts): Promise<void> {
    const { locks: wanted, allowUntested = false, emit, unreachable } = this.#options;
    const locks =
      wanted && this.#locks.length === 0
        ? {
            before: joinScripts([takeRunLock(holderName()), takeStepLock(STEP_LOCK_TIMEOUT), RELEASE_STEP_LOCK]),
            afterwards: HOLD_UNTIL_INPUT_CLOSES,
          }
        : {};
    const look = async (host: Host): Promise<void> => {
      const began = Date.now();
      const timer = new LookTimer();
      const { platform, shape, exec } = await survey(
        this.#session(host),
        shapes.platformOf(host),
        (candidate) => shapes.for(host, candidate),
        {
          ...locks,
          allowUntested,
          listener: {
            begin: () => timer.begin(),
            done: (id) => timer.done(id),
            note: (text) => emit({ type: 'note', host: host.name, text }),
          },
        },
      );
      this.#locks.push(exec);
      shapes.confirmPlatform(host, platform, shape);
      emit({ type: 'surveyed', host: host.name, ms: Date.now() - began, times: timer.times });
    };
    await this.#forAll(unreachable, ...(this.#dialled.size > 0 ? [this.#connecting()] : []), { phase: 'survey', work: look });
  }

  /** Waits for a host's connection, unless it is there. */
  #connecting(): Part {
    const { emit } = this.#options;
    const work = async (host: Host): Promise<void> => {
      const dialled = this.#dialled.get(host.name);
      if (dialled === undefined) return;
      emit({ type: 'connecting', host: host.name });
      const began = Date.now();
      const session = await dialled;
      this.#dialled.delete(host.name);
      this.sessions.set(host.name, session);
      const ms = Date.now() - began;
      emit({ type: 'connected', host: host.name, ms, queuedMs: Math.min(ms, Math.round(session.queuedMs)) });
    };
    return { phase: 'connect', work };
  }

  /** Looks once more at what a run may have moved. */
  async surveyAgain(shapes: ReadonlyMap<string, HostWork>): Promise<void> {
    // What the stages made was read back when they made it; how the cluster is now is in the observations.
    await this.#askAgain(this.#options.unreachable, (host) => {
      const { observations } = shapes.get(host.name) as HostWork;
      return thoroughly(observations.filter(({ when }) => when !== 'start'));
    });
  }

  /**
   * Asks hosts that were surveyed for all of these shapes, each for its own; a host without one is not asked.
   * @throws UnreachableError where one has been lost since, unless that was noted before: what was seen of it is nothing to go on by
   */
  async ask(shapes: ReadonlyMap<string, HostWork>): Promise<void> {
    await this.#askAgain('refuse', (host) => {
      const shape = shapes.get(host.name);
      return shape === undefined ? [] : allObservations(shape);
    });
  }

  async #askAgain(unreachable: Unreachable, of: (host: Host) => readonly Observation[]): Promise<void> {
    const { emit } = this.#options;
    const look = async (host: Host): Promise<void> => {
      const began = Date.now();
      const timer = new LookTimer();
      const session = this.#session(host);
      const observations = allObservations({ observations: [...of(host)], stages: [] });
      if (observations.length === 0) return;
      const { byId } = await session.run(probeSections(observations, session.states), {
        listener: {
          begin: () => timer.begin(),
          done: (id) => timer.done(id),
          note: (text) => emit({ type: 'note', host: host.name, text }),
        },
      });
      takeStates(session, observations, byId);
      emit({ type: 'surveyed-again', host: host.name, ms: Date.now() - began, times: timer.times });
    };
    await this.#forAll(unreachable, { phase: 'survey-again', work: look });
  }

  /** Lets go of the locks and says goodbye. */
  async leave(): Promise<void> {
    for (const lock of this.#locks) lock.closeInput();
    this.#abort.abort();
    for (const dialled of this.#dialled.values())
      void dialled.then(
        (session) => session.close(),
        () => {},
      );
    await Promise.all([...this.sessions.values()].map((session) => this.#disconnect(session)));
  }

  async #disconnect(session: Session): Promise<void> {
    const began = Date.now();
    await session.close();
    this.#options.emit({ type: 'disconnected', host: session.host.name, ms: Date.now() - began, scripts: session.execs });
  }

  /**
   * Runs parts of the preparation on every host, one after the other; the hosts do not wait for each other. When any fails, all
   * reasons are given and nothing is changed; where hosts may be out of reach the others continue.
   */
  async #forAll(unreachable: Unreachable, ...parts: readonly Part[]): Promise<void> {
    const { leavesOut = false, results } = this.#options;
    const hosts = this.#hosts;
    const outcomes = await Promise.allSettled(hosts.map((host) => this.#try(host, parts)));
    const reasons = outcomes.flatMap((result, index) =>
      result.status === 'rejected' ? [asPgprovError(result.reason, hosts[index]?.name)] : [],
    );
    if (this.#options.unreachable === 'go-on') this.#hosts = hosts.filter((_, index) => outcomes[index]?.status === 'fulfilled');
    const told = reasons.filter(({ host }) => host === undefined || !results.hasFallenSilent(host));
    if (unreachable === 'refuse') results.throwAll(leavesOut && parts[0]?.phase === 'connect' ? withWayOn(told, hosts.length) : told);
    else for (const reason of told) results.fail(reason);
  }

  /** Why a host fails is reported once the others are through, so when it did is reported at once. */
  async #try(host: Host, parts: readonly Part[]): Promise<void> {
    for (const { phase, work } of parts) {
      const began = Date.now();
      try {
        await work(host);
      } catch (error) {
        this.#options.emit({ type: 'gave-up', host: host.name, phase, ms: Date.now() - began });
        throw error;
      }
    }
  }

  #session(host: Host): Session {
    return this.sessions.get(host.name) as Session;
  }
}
