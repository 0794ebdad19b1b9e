import type { CheckResult, LeftOut, RunEvent } from '../events.js';
import type { PgprovError } from '../lib/errors.js';
import { stepFailure, type Failure } from './causes.js';
import { formatDuration } from './duration.js';
import { errorParts, renderError } from './error-text.js';
import { flush } from './flush.js';
import { interruptedText, leftText } from './interruption-text.js';
import { makePaint, type Paint } from './paint.js';
import { summarisePlan } from './plan-text.js';
import { renderRecap } from './recap.js';
import type { Reporter, ReportStreams } from './reporter-types.js';
import { renderSteps } from './steps-text.js';
import { count, isLook, listNames } from './words.js';
import { padToWidth, widestOf, wrapColumns } from './width.js';
import { writeGapText } from './write-gap-text.js';

/** More hosts than these are counted instead of named, in lines about all of them. */
const NAMED_HOSTS = 10;

/** Lines for logs, in the order of events; each starts with its host, so that `grep '^pg1 '` follows one. */
export function createPlainReporter({ out, color }: Pick<ReportStreams, 'out' | 'color'>): Reporter {
  const lines = new PlainLines(color, wrapColumns(out));
  return {
    emit: (event) => {
      for (const line of lines.of(event)) out.write(`${line}\n`);
    },
    close: () => flush(out),
  };
}

/** Turns events into lines. */
export class PlainLines {
  readonly #color: boolean;
  readonly #columns: number;
  readonly #paint: Paint;
  /** Stage id to the hosts where it had nothing to do, which share one line at its end. */
  readonly #ok = new Map<string, string[]>();
  #hosts: readonly string[] = [];
  #command = 'apply';
  #leftOut: LeftOut | undefined;
  #again: string | undefined;
  #hasSteps = false;
  /** Of stages. */
  readonly #failures: Failure[] = [];

  /** @param columns hints are wrapped to so many; default: they are as long as they are */
  constructor(color: boolean, columns = Infinity) {
    this.#color = color;
    this.#columns = columns;
    this.#paint = makePaint(color);
  }

  of(event: RunEvent): string[] {
    const paint = this.#paint;
    switch (event.type) {
      case 'run-start':
        this.#leftOut = event.leftOut;
        this.#again = event.again;
        return this.#start(event);
      case 'connected':
      case 'surveyed':
        return [this.#line(event.host, `${event.type} (${formatDuration(event.ms)})`)];
      case 'warning':
        return [this.#line(event.host, `${paint.changed('warning:')} ${event.text}`)];
      case 'note':
        return [this.#line(event.host, event.stage, `note: ${event.text}`)];
      case 'awaiting':
        return [this.#line(undefined, `waiting for what may pass by itself: ${event.text}`)];
      case 'awaited':
        return [this.#line(undefined, `waited ${formatDuration(event.ms)}`)];
      case 'interrupted':
        return [this.#line(undefined, `${paint.changed('warning:')} ${interruptedText(event)}`)];
      case 'left':
        return [this.#line(undefined, `${paint.changed('warning:')} ${leftText(event)}`)];
      case 'planned':
        return [this.#plan(event)];
      case 'steps':
        return this.#steps(event);
      case 'changed':
        return [
          this.#line(event.host, event.stage, `${paint.changed('changed:')} ${event.summaries.join('; ')} (${formatDuration(event.ms)})`),
        ];
      case 'waiting':
        return [this.#line(event.host, event.stage, `waiting until ${event.title}`)];
      case 'waited':
        return [this.#line(event.host, event.stage, `${event.title} (${formatDuration(event.ms)})`)];
      case 'write-gap':
        return [this.#line(undefined, event.stage, writeGapText(event))];
      case 'step-end':
        return this.#stepEnd(event);
      case 'stage-end':
        return this.#stageEnd(event);
      case 'checked':
        return event.results.map((result) => this.#check(result));
      case 'failed':
        return this.#failed(event.error);
      case 'run-end': {
        const recap = renderRecap(
          { ...event, command: this.#command, failures: this.#failures, leftOut: this.#leftOut, again: this.#again },
          { color: this.#color },
        );
        return recap === '' ? [] : ['', recap];
      }
      case 'connecting':
      case 'stages':
      case 'answered':
      case 'stage-start':
      case 'step-start':
      case 'changing':
      case 'gave-up':
      case 'surveyed-again':
      case 'cluster':
      case 'diagnosed':
      case 'disconnected':
        return [];
    }
  }

  #start({ command, cluster, hosts, stages }: Extract<RunEvent, { type: 'run-start' }>): string[] {
    this.#hosts = hosts;
    this.#command = command;
    // The steps of an operation are known only when its hosts have answered.
    const many = command === 'apply' || isLook(command) ? `, ${count(stages.length, 'stage')}` : '';
    return [`${command}: cluster ${cluster}, ${this.#countHosts(hosts)}${many}`];
  }

  #steps(event: Extract<RunEvent, { type: 'steps' }>): string[] {
    if (event.steps.length === 0) return ['plan: nothing is left to do'];
    const head = this.#hasSteps ? 'more to do:' : 'plan:';
    this.#hasSteps = true;
    const shown = renderSteps(event, this.#hosts, { color: this.#color, columns: this.#columns - 2 });
    return [head, ...shown.split('\n').map((line) => `  ${line}`)];
  }

  #plan({ changes }: Extract<RunEvent, { type: 'planned' }>): string {
    if (changes.length === 0) return 'plan: no changes';
    return `plan: ${summarisePlan(changes, this.#hosts)}`;
  }

  #stepEnd(event: Extract<RunEvent, { type: 'step-end' }>): string[] {
    const { host, stage, result, reason, error, ms } = event;
    if (result === 'ok') this.#ok.set(stage, [...(this.#ok.get(stage) ?? []), host]);
    if (result === 'skipped') return [this.#line(host, stage, this.#paint.skipped(`skipped${reason === undefined ? '' : `: ${reason}`}`))];
    if (result !== 'failed') return [];
    if (error === undefined) return [this.#line(host, stage, `${this.#paint.failed('failed')} (${formatDuration(ms)})`)];
    this.#failures.push(stepFailure(event, error));
    return this.#failure(host, stage, error, ` (${formatDuration(ms)})`);
  }

  #stageEnd({ stage }: Extract<RunEvent, { type: 'stage-end' }>): string[] {
    const hosts = this.#ok.get(stage);
    this.#ok.delete(stage);
    if (hosts === undefined) return [];
    const inOrder = this.#hosts.filter((host) => hosts.includes(host));
    return [this.#line(undefined, stage, `${this.#paint.ok('ok:')} ${this.#countHosts(inOrder)}`)];
  }

  #check({ host, title, ok, detail }: CheckResult): string {
    const verdict = ok ? this.#paint.ok('ok:') : this.#paint.failed('failed:');
    return this.#line(host, 'check', `${verdict} ${title} (${detail})`);
  }

  #failed(error: PgprovError): string[] {
    return error.host === undefined
      ? [renderError(error, { color: this.#color, columns: this.#columns })]
      : this.#failure(error.host, undefined, error, '');
  }

  #failure(host: string, stage: string | undefined, error: PgprovError, suffix: string): string[] {
    const indent = ' '.repeat(this.#column() + 2);
    const { first, rest } = errorParts(error, { color: this.#color, columns: this.#columns - indent.length });
    return [this.#line(host, stage, `${this.#paint.failed('failed:')} ${first}${suffix}`), ...rest.map((line) => indent + line)];
  }

  #countHosts(hosts: readonly string[]): string {
    return hosts.length <= NAMED_HOSTS ? listNames(hosts) : count(hosts.length, 'host');
  }

  #column(): number {
    return widestOf(this.#hosts);
  }

  #line(host: string | undefined, ...parts: readonly (string | undefined)[]): string {
    const text = [padToWidth(host ?? '', this.#column()), ...parts.filter((part) => part !== undefined)].join('  ');
    return text.replaceAll('\n', `\n${' '.repeat(this.#column() + 4)}`);
  }
}
