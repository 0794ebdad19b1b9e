import { spawn } from 'node:child_process';
import { expect } from 'vitest';
import type { Diagnosed, DoctorAnswer, FindingLevel } from '../../../src/lib/finding.js';
import { patience } from '../../support/patience.js';
import type { TestCluster } from './cluster.js';
import { must, patronictl, patronictlList, sql } from './outside.js';
import { pgprov, PROGRAM } from './pgprov.js';

/** Milliseconds; what may come from a change of leader is told so long after it, and a cluster that was put back has just had one. */
const SETTLED = 90_000;

/** What is to be found once something is wrong. */
export interface Expected {
  diagnosis: string;
  level: FindingLevel;
  /** Absent: it is the cluster's. */
  host?: string;
  /** One of the lines that are told as evidence. */
  line: RegExp;
  /** Of what is wrong, where one diagnosis has several things to say. */
  what?: RegExp;
  /** Since when it is to be said to be wrong, in hours before the test; default: since it was made wrong. */
  hoursAgo?: number;
}

/** Something that a test makes wrong, and how it ends. */
export interface Fault extends Expected {
  /** Absent: it comes from another fault of the same test. */
  wrong?: () => Promise<unknown>;
  /** Takes away the cause where the advised command merely starts again what it stopped. */
  cause?: () => Promise<unknown>;
  /** The advised command is run: it mends, or it shows words that match. Absent: it is for a person to judge. */
  advice?: 'mends' | RegExp;
  /** What the command leaves, or all of it where there is none. */
  undo?: () => Promise<unknown>;
}

/** What `pgprov doctor` says of a cluster, and its commands as a person pastes them. */
export class Doctor {
  readonly #cluster: TestCluster;

  readonly #options: readonly string[];

  /** @param options of `pgprov doctor` */
  constructor(cluster: TestCluster, ...options: readonly string[]) {
    this.#cluster = cluster;
    this.#options = options;
  }

  /** SQL on a host. */
  at(name: string, statement: string): Promise<string> {
    return sql(this.#cluster.host(name), statement);
  }

  /** A command on a host. */
  on(name: string, command: string): Promise<string> {
    return must(this.#cluster.host(name), command);
  }

  /** patronictl on a host. */
  patronictl(name: string, words: string): Promise<string> {
    return patronictl(this.#cluster.host(name), words);
  }

  /** Who leads, once somebody does, and who follows. */
  async members(except = ''): Promise<{ leader: string; one: string; other: string }> {
    let leader = '';
    const look = async (): Promise<string> => {
      for (const host of this.#cluster.hosts.filter(({ name }) => name !== except)) {
        const list = await patronictlList(host).catch(() => []);
        const found = list.find(({ Member, Role, State }) => Member !== except && Role === 'Leader' && State === 'running');
        if (found !== undefined) return (leader = found.Member);
      }
      return '';
    };
    await expect.poll(look, { timeout: patience(60_000) }).not.toBe('');
    const [one = '', other = ''] = this.#cluster.hosts.map(({ name }) => name).filter((name) => name !== leader);
    return { leader, one, other };
  }

  /** Changes the dynamic configuration behind pgprov's back, and waits until every member has taken it. */
  async configure(words: string): Promise<void> {
    const since = Math.floor(Date.now() / 1000);
    await this.patronictl((await this.members()).leader, `edit-config --force ${words} demo`);
    for (const { name } of this.#cluster.hosts)
      await expect
        .poll(() => this.on(name, `journalctl -u patroni --since @${since} -o cat | grep -cE 'reload|Reload|Changed' || :`), {
          timeout: patience(30_000),
        })
        .not.toBe('0');
  }

  async findings(): Promise<readonly Diagnosed[]> {
    const { stdout } = await pgprov('doctor', this.#cluster.file, '--json', ...this.#options);
    return (JSON.parse(stdout) as DoctorAnswer).findings;
  }

  /**
   * Makes several things wrong that have nothing to do with each other, waits until each is found with its line, sees that nothing else is,
   * ends one after the other by what was advised, and sees that nothing is wrong any more.
   * @returns what was found, in the order of the faults
   */
  async provoke(...faults: readonly Fault[]): Promise<Diagnosed[]> {
    const left = new Set<Fault>();
    try {
      for (const fault of faults) {
        left.add(fault);
        await fault.wrong?.();
      }
      const found = await this.see(...faults);
      for (const [index, fault] of faults.entries()) {
        await fault.cause?.();
        await this.follow(found[index], fault);
        left.delete(fault);
        await fault.undo?.();
      }
      await this.isWell(faults);
      return found;
    } finally {
      for (const { undo } of left) await undo?.().catch(() => undefined);
    }
  }

  /**
   * Waits until all was found with its lines, and nothing besides any more: what is over soon need not be there the last time, and servers that
   * are on their way up may take a moment to get there.
   */
  async see(...expected: readonly Expected[]): Promise<Diagnosed[]> {
    const seen = new Map<Expected, Diagnosed>();
    let findings: readonly Diagnosed[] = [];
    const amiss = async (): Promise<string[]> => {
      findings = await this.findings();
      for (const each of expected) {
        const found = findings.find((one) => isMeant(one, each));
        if (found !== undefined) seen.set(each, found);
      }
      const unasked = findings.filter((one) => one.level !== 'notice' && !expected.some((each) => isMeant(one, each)));
      return [...expected.filter((each) => !seen.has(each)), ...unasked].map(inShort);
    };
    const told = (): string => findings.map((one) => `${inShort(one)}: ${one.what}\n${linesOf(one)}`).join('\n');
    await expect
      .poll(amiss, { timeout: SETTLED + patience(30_000), interval: 2000 })
      .toEqual([])
      .catch((error: unknown) => {
        throw new Error(`${String(error)}\nfound:\n${told()}`);
      });
    return expected.map((each) => {
      const found = seen.get(each) as Diagnosed;
      expect(found.since ?? this.#began, found.what).toBeGreaterThan(this.#began - 60_000 - (each.hoursAgo ?? 0) * 3_600_000);
      return found;
    });
  }

  readonly #began = Date.now();

  /** Runs the advised command, where it mends or shows something. */
  async follow(found: Diagnosed | undefined, { advice }: Pick<Fault, 'advice'>): Promise<void> {
    if (advice === undefined || found === undefined) return;
    const printed = await this.#paste(found);
    if (advice !== 'mends') expect(printed).toMatch(advice);
  }

  /** Waits until nothing is broken or in danger, and nothing that was provoked is told. */
  async isWell(faults: readonly Expected[] = []): Promise<void> {
    const told = async (): Promise<string[]> =>
      (await this.findings())
        .filter((one) => one.level !== 'notice' || faults.some((fault) => isMeant(one, fault)))
        .map((one) => `${inShort(one)}: ${one.what}\n${linesOf(one)}`);
    await expect.poll(told, { timeout: patience(90_000), interval: 3000 }).toEqual([]);
  }

  /** Runs what stands between back-quotes, one after the other: pgprov's own commands here, others as root on the hosts that are named. */
  async #paste({ mend }: Diagnosed): Promise<string> {
    let printed = '';
    for (const { hosts, commands } of turnsOf(mend)) {
      if (hosts === undefined) for (const command of commands) printed += await here(command);
      else
        for (const host of this.#cluster.hosts.filter(({ name }) => hosts === 'every host' || new RegExp(`\\b${name}\\b`, 'u').test(hosts)))
          printed += await must(host, commands.join('\n'));
    }
    return printed;
  }
}

/** Commands that one shell gets. */
interface Turn {
  /** Words that name hosts; absent: pgprov's own commands, which run here. */
  hosts?: string;
  commands: string[];
}

/** Takes advice apart: hosts are named after their commands, or before them with a colon. */
function turnsOf(mend: string): Turn[] {
  const turns: Turn[] = [];
  let before: string | undefined;
  let waiting: string[] = [];
  for (const [, command, named, colon] of mend.matchAll(/`([^`]+)`|as root on ((?:\w+, )+\w+ and \w+|[\w ]+)(, a member that works:)?/gu)) {
    if (command === undefined) {
      if (colon !== undefined) before = named;
      else turns.push({ hosts: named ?? '', commands: waiting });
      if (colon === undefined) waiting = [];
    } else if (command.startsWith('pgprov ')) turns.push({ commands: [command] });
    else if (before === undefined || mend.includes(`${command}\`, as root on`)) waiting.push(command);
    else {
      const last = turns.at(-1);
      if (last?.hosts === before) last.commands.push(command);
      else turns.push({ hosts: before, commands: [command] });
    }
  }
  return turns;
}

function isMeant(one: Diagnosed, { diagnosis, level, host, line, what = /^/u }: Expected): boolean {
  if (one.diagnosis !== diagnosis || one.host !== host || one.level !== level || !what.test(one.what)) return false;
  return one.evidence.some((evidence) => line.test(evidence.line));
}

function inShort({ level, diagnosis, host = 'all' }: Pick<Expected, 'level' | 'diagnosis' | 'host'>): string {
  return `${level} ${diagnosis} ${host}`;
}

function linesOf({ evidence }: Diagnosed): string {
  return evidence.map(({ host = '', line }) => `  ${host} ${line}`).join('\n');
}

/** pgprov's commands that ask before they change something. */
const ASKS = /^pgprov (?:apply|certs renew|config edit|rebuild|recover|resume|restart|start|stop|switchover) /u;

/** Runs a command line of pgprov in a shell, which takes its quoting apart as a person's does. */
async function here(command: string): Promise<string> {
  const [asked, rest] = command.split(' -- ', 2) as [string, string | undefined];
  const words = `${asked}${ASKS.test(command) ? ' --yes' : ''}${rest === undefined ? '' : ` -- ${rest}`}`;
  const child = spawn('sh', ['-c', words.replace(/^pgprov\b/u, () => `${process.execPath} '${PROGRAM}'`)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  const code = await new Promise((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`${command}\nexit ${String(code)}\n${text}`);
  return text;
}
