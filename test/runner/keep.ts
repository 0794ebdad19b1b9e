import { readFileSync, writeFileSync } from 'node:fs';
import { Command } from 'commander';
import { readTimes, TIMES } from './longest-first.js';
import { measureMachine, REFERENCE } from './machine.js';
import { type TimedFile, withTimesOf } from './report.js';
import { LAST_RUN } from './run-reporter.js';

const program = new Command('tsx test/runner/keep.ts').description('Writes measured times into the repository.');

program
  .command('times')
  .description('the times of test files with hosts, from the last run of this checkout, which order the next ones')
  .action(() => {
    const last = JSON.parse(readFileSync(LAST_RUN, 'utf8')) as TimedFile[];
    write(TIMES, withTimesOf(readTimes(), last));
  });

program
  .command('machine')
  .description('the times of this machine as the reference for slower ones; it must be a quiet one')
  .action(() => {
    const times = Object.entries(measureMachine(20)).map(([part, ms]) => [part, Math.round(ms * 10) / 10]);
    write(REFERENCE, Object.fromEntries(times));
  });

function write(file: string, content: unknown): void {
  writeFileSync(file, `${JSON.stringify(content, null, 2)}\n`);
  console.log(`wrote ${file}`);
}

program.parse();
