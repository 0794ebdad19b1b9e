import { spawn } from 'node:child_process';
import { expect } from 'vitest';
import type { Diagnosed, DoctorAnswer, FindingLevel } from '../../../src/lib/finding.js';
import { patience } from '../../support/patience.js';
import type { TestCluster } from './cluster.js';
import { must, patronictl, patronictlList, sql } from './outside.js';
import { pgprov, PROGRAM } from './pgprov.js';

/** What is to be found once something is wrong. */
export interface Expected {
  diagnosis: string;
  /** Absent: it depends on what else happened. */
  level?: FindingLevel;
  /** Absent: it is the cluster's. */
  host?: string;
  /** One of the lines that are told as evidence. */
  line: RegExp;
  /** Absent: its command is for a person to judge, and is not run. */
  mends?: true;
}

/** What `pgprov doctor` says of a cluster, and its commands as a person pastes them. */
export class Doctor {
  readonly #cluster: TestCluster;

  constructor(cluster: TestCluster) {
    this.#cluster = cluster;
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
      for (const host of this.#cluster.hosts) {
        const list = await patronictlList(host).catch(() => []);
        const found = list.find(({ Member, Role, State }) => Member !== except && Role === 'Leader' && State === 'running');
        if (found !== undefined) return (leader = found.Member);
      }
      return '';
    };
    await expect.poll(look, { timeout: patience(90_000) }).not.toBe('');
    const [one = '', other = ''] = this.#cluster.hosts.map(({ name }) => name).filter((name) => name !== leader);
    return { leader, one, other };
  }

  /** Changes the dynamic configuration behind pgprov's back, and waits until every member has taken it. */
  async configure(words: string): Promise<void> {
    await this.patronictl((await this.members()).leader, `edit-config --force ${words} demo`);
    await new Promise((resolve) => setTimeout(resolve, A_LOOP));
  }

  async findings(): Promise<readonly Diagnosed[]> {
    const { stdout } = await pgprov('doctor', this.#cluster.file, '--json');
    return (JSON.parse(stdout) as DoctorAnswer).findings;
  }

  /**
   * Makes something wrong, waits until it is found with its line, runs its command where it mends, sees it gone, and undoes the rest whatever was
   * seen. At the end nothing is wrong any more.
   */
  async provoke(expected: Expected, wrong: () => Promise<unknown>, undo?: () => Promise<unknown>): Promise<Diagnosed> {
    let found: Diagnosed | undefined;
    try {
      await wrong();
      found = await this.see(expected);
    } finally {
      await undo?.();
    }
    await this.isWell();
    return found;
  }

  /** Waits until it is found with its line, and runs its command where it mends. */
  async see(expected: Expected): Promise<Diagnosed> {
    const found = await this.#find(expected);
    const lines = found.evidence.map(({ line }) => line);
    expect(
      lines.some((line) => expected.line.test(line)),
      lines.join('\n'),
    ).toBe(true);
    if (expected.mends !== true) return found;
    await this.#paste(found);
    await expect.poll(() => this.#matching(expected), { timeout: patience(60_000), interval: 3000 }).toEqual([]);
    return found;
  }

  /** Waits until nothing is broken or in danger. */
  async isWell(): Promise<void> {
    const troubles = async (): Promise<string[]> =>
      (await this.findings()).filter(({ level }) => level !== 'notice').map(({ host, what }) => `${host ?? 'all'}: ${what}`);
    await expect.poll(troubles, { timeout: patience(180_000), interval: 3000 }).toEqual([]);
  }

  async #find(expected: Expected): Promise<Diagnosed> {
    const { diagnosis, level = '', host = 'all' } = expected;
    let matching: readonly Diagnosed[] = [];
    const short = async (): Promise<string[]> => {
      const findings = await this.findings();
      matching = findings.filter((one) => isMeant(one, expected));
      return findings.map((one) => `${level === '' ? '' : one.level} ${one.diagnosis} ${one.host ?? 'all'}`);
    };
    await expect.poll(short, { timeout: patience(90_000), interval: 2000 }).toContain(`${level} ${diagnosis} ${host}`);
    const [found] = matching;
    if (found === undefined) throw new Error(`${diagnosis} was not found`);
    return found;
  }

  async #matching(expected: Expected): Promise<Diagnosed[]> {
    return (await this.findings()).filter((one) => isMeant(one, expected));
  }

  /** Runs what stands between back-quotes, one after the other: pgprov's own commands here, others as root on the host that is named. */
  async #paste({ mend }: Diagnosed): Promise<void> {
    const host = /as root on (\w+)/u.exec(mend)?.[1];
    for (const [, command = ''] of mend.matchAll(/`([^`]+)`/gu))
      if (command.startsWith('pgprov ')) await here(command);
      else if (host !== undefined) await must(this.#cluster.host(host), command);
  }
}

function isMeant(one: Diagnosed, { diagnosis, level, host }: Expected): boolean {
  return one.diagnosis === diagnosis && one.host === host && (level === undefined || one.level === level);
}

/** Milliseconds in which every Patroni has looked at its store once. */
const A_LOOP = 12_000;

/** pgprov's commands that ask before they change something. */
const ASKS = /^pgprov (?:apply|config|rebuild|recover|resume|restart|start|stop|switchover) /u;

/** Runs a command line of pgprov in a shell, which takes its quoting apart as a person's does. */
async function here(command: string): Promise<void> {
  const yes = ASKS.test(command) ? ' --yes' : '';
  const words = `${process.execPath} '${PROGRAM}'`;
  const child = spawn('sh', ['-c', `${command.replace(/^pgprov\b/u, () => words)}${yes}`], { stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
  const code = await new Promise((resolve) => child.on('close', resolve));
  if (code !== 0) throw new Error(`${command}\nexit ${String(code)}\n${text}`);
}
