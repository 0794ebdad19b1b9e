import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Reporter, SerializedError, TestCase, TestModule, TestSpecification, Vitest } from 'vitest/node';
import { CHECKOUT } from '../lab/paths.js';
import { RUN_VARIABLE, thisRun } from '../lab/run-labels.js';
import { MATRIX, SEED } from '../support/depth.js';
import { patienceFactor } from '../support/patience.js';
import { leftOut, noteBeginning } from './budget.js';
import { resting, restingWords } from './turns.js';
import { nameOf, WITH_HOSTS } from './longest-first.js';
import { closingLine, type Counts, type Failure, isSuccess, renderEnd, renderFailures, type TimedFile } from './report.js';
import { readSpent, sumSpent } from './spendings.js';
import { beginsWithPackages, systemsOf } from './systems.js';

/** The file with the times of the last run, which `npm run test:times` reads: an array of `TimedFile`. */
export const LAST_RUN = join(CHECKOUT, '.lab', 'last-run.json');

/**
 * What a run of the tests does besides running them. At the start it says what chooses its samples and scales its time limits; when
 * tests with hosts are among its own, it removes what runs that were killed had left, and builds images beside the unit tests.
 * At the end it says where the time went, and last of all the closing line, however the run ended.
 */
export class RunReporter implements Reporter {
  readonly #directory: string;
  readonly #began = new Map<string, number>();
  readonly #files: TimedFile[] = [];
  #counts: Counts | undefined;
  #images: ChildProcess | undefined;
  #complaint = '';

  constructor() {
    this.#directory = mkdtempSync(join(tmpdir(), 'pgprov-run-'));
    // Workers and what they start inherit all three.
    process.env['PGPROV_SPENT'] = join(this.#directory, 'spent');
    process.env[RUN_VARIABLE] = thisRun();
    noteBeginning(Date.now());
  }

  onInit(vitest: Vitest): void {
    if (vitest.config.watch) return;
    process.once('exit', () => this.#close());
    const workers = Math.max(...vitest.projects.map(({ config }) => Number(config.maxWorkers)));
    say(`seed ${SEED}${MATRIX ? ', everything on every system' : ''}; time limits × ${patienceFactor()}; ${workers} workers`);
  }

  onTestRunStart(specifications: readonly TestSpecification[]): void {
    const withHosts = specifications.filter(({ project }) => WITH_HOSTS.includes(project.name)).map(({ moduleId }) => moduleId);
    if (withHosts.length === 0) return;
    // To its end, before a test makes hosts of the same names.
    spawnSync(process.execPath, ['--import', 'tsx', join(CHECKOUT, 'test', 'runner', 'leftovers.ts')], {
      cwd: CHECKOUT,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const texts = withHosts.map((file) => readFileSync(file, 'utf8'));
    const systems = systemsOf(texts, MATRIX);
    if (systems.length > 0) this.#buildImages([...systems, ...(beginsWithPackages(texts) ? ['packages'] : [])]);
  }

  onTestModuleQueued({ moduleId }: TestModule): void {
    this.#began.set(moduleId, Date.now());
  }

  onTestModuleEnd({ moduleId }: TestModule): void {
    this.#files.push({ name: nameOf(moduleId), ms: Date.now() - (this.#began.get(moduleId) ?? Date.now()) });
  }

  onTestRunEnd(modules: readonly TestModule[], errors: readonly SerializedError[]): void {
    this.#counts = count(modules, errors);
    const events = readSpent(this.#text('spent'));
    const inFiles = sumSpent(events.filter(({ worker }) => worker !== ''));
    const beside = sumSpent(events.filter(({ worker }) => worker === ''));
    if (this.#files.length > 0) console.log(['', ...renderEnd(this.#files, inFiles, beside.images), ''].join('\n'));
    const failures = failuresOf(modules, errors);
    if (failures.length > 0) console.log([...renderFailures(failures), ''].join('\n'));
    const left = leftOut(
      this.#text('spent.left')
        .split('\n')
        .filter((name) => name !== ''),
    );
    if (left.length > 0) console.log([...left, ''].join('\n'));
    const rested = modules.some(({ project }) => project.name === 'integration') ? restingWords(resting(process.argv.slice(2))) : [];
    if (rested.length > 0) console.log([...rested, ''].join('\n'));
    const later = this.#text('spent.factor');
    if (later !== '') say(`the time limits of tests with hosts were × ${Math.max(patienceFactor(), Number(later))}`);
    mkdirSync(join(CHECKOUT, '.lab'), { recursive: true });
    writeFileSync(LAST_RUN, JSON.stringify(this.#files));
  }

  /** What is in a file that workers write; nothing when none did. */
  #text(name: string): string {
    const file = join(this.#directory, name);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  #buildImages(words: readonly string[]): void {
    const script = join(CHECKOUT, 'test', 'runner', 'images.ts');
    // As quick as the unit tests, whose end three workers with hosts would spend waiting for them otherwise.
    const child = spawn(process.execPath, ['--import', 'tsx', script, ...words], {
      cwd: CHECKOUT,
      detached: true,
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    this.#images = child;
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      process.stderr.write(text);
    });
    child.on('error', (error) => (this.#complaint = String(error)));
    child.on('exit', (code) => {
      this.#images = undefined;
      if (code !== 0) this.#complaint = `building images beside the tests failed (${words.join(', ')}):\n${said.trimEnd()}`;
      if (code !== 0) say(this.#complaint);
    });
    // The run does not wait for images that no test waits for.
    child.unref();
    for (const stream of [child.stdin, child.stderr]) (stream as unknown as { unref(): void }).unref();
  }

  #close(): void {
    if (this.#images?.pid !== undefined) stopGroup(this.#images.pid);
    else if (this.#complaint !== '') say(this.#complaint);
    rmSync(this.#directory, { recursive: true, force: true });
    // A run that broke off before its end has failed.
    const counts = this.#counts ?? { passed: 0, failed: 1, skipped: 0 };
    if (!isSuccess(counts) && (process.exitCode ?? 0) === 0) process.exitCode = 1;
    process.stdout.write(`${closingLine(counts)}\n`);
    // For a caller that must know whether the line was printed.
    const mark = process.env['PGPROV_CLOSED'] ?? '';
    if (mark !== '') writeFileSync(mark, closingLine(counts));
  }
}

function count(modules: readonly TestModule[], errors: readonly SerializedError[]): Counts {
  const tests = modules.flatMap((module) => [...module.children.allTests()]);
  const having = (...states: ReturnType<TestCase['result']>['state'][]): number =>
    tests.filter((test) => states.includes(test.result().state)).length;
  const broken = modules.filter((module) => module.state() === 'failed' && ![...module.children.allTests('failed')].length).length;
  return { passed: having('passed'), failed: having('failed') + broken + errors.length, skipped: having('skipped', 'pending') };
}

function failuresOf(modules: readonly TestModule[], errors: readonly SerializedError[]): Failure[] {
  const text = (causes: readonly { message: string }[]): string => causes.map(({ message }) => message).join('\n');
  return [
    ...modules.flatMap((module) => [
      ...[module, ...module.children.allSuites()].flatMap((part) => {
        const name = part.type === 'module' ? nameOf(part.moduleId) : `${nameOf(module.moduleId)} > ${part.fullName}`;
        return part.errors().length > 0 ? [{ name, message: text(part.errors()) }] : [];
      }),
      ...[...module.children.allTests('failed')].map((test) => ({
        name: `${nameOf(module.moduleId)} > ${test.fullName}`,
        message: text(test.result().errors ?? []),
      })),
    ]),
    ...errors.map((error) => ({ name: 'outside of the tests', message: text([error]) })),
  ];
}

function stopGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGTERM');
  } catch {
    // It ended on its own in the meantime.
  }
}

function say(text: string): void {
  process.stdout.write(`tests: ${text}\n`);
}
