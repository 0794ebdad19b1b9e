import type { CheckResult, HostRecap, Left, LeftOut, RunEvent, StageShape, StepResult, UnderWay, WriteGap } from '../events.js';
import type { ExitCode, PgprovError } from '../lib/errors.js';
import { stepFailure, type Failure } from './causes.js';
import { isLook } from './words.js';

/** One host's part of a phase: connecting, the survey, or a stage. */
export interface HostProgress {
  startedAt: number;
  /** What is being done right now, and since when. */
  doing?: { text: string; since: number };
  /** The last thing the host said. */
  note?: string;
  end?: HostEnd;
}

/** How a host's part ended. */
export interface HostEnd {
  result: StepResult;
  changes: number;
  ms: number;
  reason?: string;
  error?: PgprovError;
}

/** One step of a run that hosts go through. */
export interface Phase {
  title: string;
  hosts: readonly string[];
  parts: Map<string, HostProgress>;
  /** Set when no host has anything left to do in it. */
  ended: boolean;
  /** How long writes paused in it, where that was measured. */
  gap?: WriteGap;
}

/** All that is known of a run so far, kept up to date by its events. */
export class RunState {
  readonly connect: Phase = phase('Connect', []);
  readonly survey: Phase = phase('Survey', []);
  /** By stage id, in the order of the run. */
  readonly stages = new Map<string, Phase>();
  readonly warnings: { text: string; host?: string }[] = [];
  /** In the order in which they were told. */
  readonly failures: Failure[] = [];
  hosts: readonly string[] = [];
  command = 'apply';
  leftOut: LeftOut | undefined;
  /** The command that continues it. */
  again: string | undefined;
  /** How it was told to end, where it was. */
  interrupted: string | undefined;
  /** It ended without waiting for what was under way. */
  left: Left | undefined;
  /** What was told of the whole run, and nothing was done after that: how it came out. */
  outcome: string | undefined;
  /** What was told of the whole run and is of use after it. */
  readonly lasting: string[] = [];
  /** What the run as a whole waited for by itself, in order; `ms` once it is over. */
  readonly waits: { text: string; since: number; ms?: number }[] = [];
  checks: readonly CheckResult[] | undefined;
  end: { exitCode: ExitCode; ms: number; recap: readonly HostRecap[] } | undefined;
  #planned = false;
  #passes = 0;
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Takes in an event. */
  apply(event: RunEvent): void {
    switch (event.type) {
      case 'run-start':
        return this.#start(event);
      case 'connecting':
        return this.#begin(this.connect, event.host);
      case 'connected':
        return this.#connected(event.host, event.ms);
      case 'surveyed':
        return this.#finish(this.survey, event.host, { result: 'ok', changes: 0, ms: event.ms });
      case 'warning':
        this.warnings.push(event);
        return;
      case 'note':
        return this.#note(event);
      case 'awaiting':
        return this.#awaiting(event.text);
      case 'awaited':
        return this.#awaited(event.ms);
      case 'interrupted':
        this.interrupted = event.how;
        return;
      case 'left':
        this.left = event;
        return;
      case 'planned':
        this.#planned = true;
        return;
      case 'steps':
        this.#planned = true;
        for (const { id, title, hosts, pass } of event.steps) if (pass !== true) this.stages.set(id, phase(title, hosts));
        return;
      case 'stages':
        return this.#pass(event.stages);
      case 'step-start':
        this.outcome = undefined;
        return this.#begin(this.#stage(event.stage), event.host);
      case 'changing':
        return this.#doing(event.stage, event.host, event.summary);
      case 'waiting':
        return this.#doing(event.stage, event.host, `waiting until ${event.title}`);
      case 'step-end':
        if (event.error !== undefined) this.failures.push(stepFailure(event, event.error));
        return this.#finish(this.#stage(event.stage), event.host, event);
      case 'write-gap':
        this.#stage(event.stage).gap = event;
        return;
      case 'stage-end':
        this.#stage(event.stage).ended = true;
        return;
      case 'checked':
        this.checks = event.results;
        return;
      case 'failed':
        return this.#failed(event.error);
      case 'run-end':
        this.end = event;
        return;
      case 'changed':
      case 'waited':
        this.#stage(event.stage).parts.forEach((part, host) => {
          if (host === event.host) delete part.doing;
        });
        return;
      case 'answered':
      case 'stage-start':
      case 'gave-up':
      case 'surveyed-again':
      case 'cluster':
      case 'diagnosed':
      case 'disconnected':
        return;
    }
  }

  /** True while the hosts are looked at once more, between the last stage and the verdict. */
  get proving(): boolean {
    const stages = [...this.stages.values()];
    return (
      this.#planned &&
      !isLook(this.command) &&
      this.checks === undefined &&
      this.failures.length === 0 &&
      stages.every(({ ended }) => ended)
    );
  }

  /** What each host is at right now, that is, what has to be finished before the run can end. */
  get underWay(): UnderWay[] {
    const looks = [this.connect, this.survey].flatMap(({ parts }) => openHosts(parts)).map((host): UnderWay => ({ host }));
    const steps = [...this.stages].flatMap(([stage, { parts }]) => openHosts(parts).map((host): UnderWay => ({ host, stage })));
    return [...looks, ...steps];
  }

  #start({ hosts, command, stages, leftOut, again }: Extract<RunEvent, { type: 'run-start' }>): void {
    this.hosts = hosts;
    this.again = again;
    this.command = command;
    this.leftOut = leftOut;
    this.connect.hosts = hosts;
    this.survey.hosts = hosts;
    if (isLook(command)) return;
    for (const { id, title, hosts: own } of stages) this.stages.set(id, phase(title, own));
  }

  /** A pass of an operation may have stages that one before it had: those are over, and stay as they ended. */
  #pass(stages: readonly StageShape[]): void {
    this.#passes += 1;
    for (const { id } of stages) {
      const former = this.stages.get(id);
      if (former !== undefined) {
        this.stages.delete(id);
        if (former.parts.size > 0) this.stages.set(`${id} before pass ${this.#passes}`, former);
      }
    }
    for (const { id, title, hosts } of stages) this.stages.set(id, phase(title, hosts));
    this.checks = undefined;
  }

  #connected(host: string, ms: number): void {
    this.#finish(this.connect, host, { result: 'ok', changes: 0, ms });
    // Where hosts do not wait for each other, some may have been looked at by now.
    if (this.connect.ended) for (const name of this.hosts) if (!this.survey.parts.has(name)) this.#begin(this.survey, name);
  }

  #note({ host, stage, text, lasts }: Extract<RunEvent, { type: 'note' }>): void {
    if (lasts === true) this.lasting.push(text);
    else if (host === undefined) this.outcome = text;
    if (host === undefined) return;
    const where = stage === undefined ? this.survey : this.#stage(stage);
    const part = where.parts.get(host);
    if (part !== undefined) part.note = text;
  }

  #awaiting(text: string): void {
    const last = this.waits.at(-1);
    if (last === undefined || last.ms !== undefined) this.waits.push({ text, since: this.#now() });
    else last.text = text;
  }

  #awaited(ms: number): void {
    const last = this.waits.at(-1);
    if (last !== undefined) last.ms = ms;
  }

  #doing(stage: string, host: string, text: string): void {
    const part = this.#stage(stage).parts.get(host);
    if (part === undefined) return;
    part.doing = { text, since: this.#now() };
    delete part.note;
  }

  #failed(error: PgprovError): void {
    this.failures.push({ error });
    this.outcome = undefined;
    const { host } = error;
    if (host === undefined) return;
    const where = [this.connect, this.survey].find(({ parts }) => parts.has(host) && parts.get(host)?.end === undefined);
    if (where === undefined) return;
    const ms = this.#now() - (where.parts.get(host)?.startedAt ?? this.#now());
    this.#finish(where, host, { result: 'failed', changes: 0, ms, error });
    if (where === this.connect) this.survey.hosts = this.survey.hosts.filter((name) => name !== host);
    this.survey.ended = isOver(this.survey);
  }

  #begin(where: Phase, host: string): void {
    where.parts.set(host, { startedAt: this.#now() });
  }

  #finish(where: Phase, host: string, { result, changes, ms, reason, error }: HostEnd): void {
    const part = where.parts.get(host) ?? { startedAt: this.#now() };
    delete part.doing;
    part.end = { result, changes, ms, ...(reason === undefined ? {} : { reason }), ...(error === undefined ? {} : { error }) };
    where.parts.set(host, part);
    where.ended = isOver(where);
  }

  /** Stages are announced before all platforms are known, so one that was not announced may still come. */
  #stage(id: string): Phase {
    const known = this.stages.get(id);
    if (known !== undefined) return known;
    const unknown = phase(id, this.hosts);
    this.stages.set(id, unknown);
    return unknown;
  }
}

function isOver({ hosts, parts }: Phase): boolean {
  return hosts.every((name) => parts.get(name)?.end !== undefined);
}

function openHosts(parts: Phase['parts']): string[] {
  return [...parts].flatMap(([host, { end }]) => (end === undefined ? [host] : []));
}

function phase(title: StageShape['title'], hosts: readonly string[]): Phase {
  return { title, hosts, parts: new Map(), ended: false };
}
