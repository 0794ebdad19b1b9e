import { ExitCode } from '../../lib/errors.js';
import { formatDuration, formatElapsed } from '../../report/duration.js';
import { verdictWords } from '../../report/status.js';
import { renderStatus } from '../../report/status-text.js';
import { chooseOutput } from '../../report/choose-output.js';
import { printable } from '../../report/printable.js';
import { columnsOf, cutToWidth } from '../../report/width.js';
import { count, firstLine } from '../../report/words.js';
import { errorLook } from '../colors.js';
import type { Environment } from '../pipeline/environment.js';
import { THIS_PROCESS } from '../pipeline/environment.js';
import { Pipeline, type EngineParts } from '../pipeline/pipeline.js';
import type { Seen } from './look.js';
import { Looks, USUAL_INTERVAL } from './looks.js';
import type { StatusOptions } from './status.js';

/** Milliseconds for which `--until` waits, unless the command line says otherwise. */
export const USUAL_TIMEOUT = 60_000;

/** Milliseconds for which a look that is under way when the time is over is let finish: slow is not broken. */
const GRACE = 30_000;

/**
 * `pgprov status --until healthy`: waits until a look shows no problem, and ends with what `pgprov status` would end with after the last look:
 * 0 once nothing is wrong.
 */
export async function until(file: string, options: StatusOptions, environment = THIS_PROCESS): Promise<ExitCode> {
  const pipeline = await Pipeline.open(file, options, environment);
  const { json = false, timeout = USUAL_TIMEOUT } = options;
  let last: Seen | undefined;
  return pipeline.carryOut({
    command: 'status --until healthy',
    shows: 'answer',
    tells: [],
    quiet: true,
    go: async (parts) => {
      last = await lookUntilHealthy(pipeline, parts, options);
      return { exitCode: parts.signal.aborted || last === undefined ? ExitCode.interrupted : last.exitCode, errors: [] };
    },
    answer: ({ exitCode }) => {
      if (last === undefined) return exitCode;
      const { status, problems } = last;
      pipeline.print(json ? JSON.stringify({ ...status, problems }, undefined, 2) : renderStatus(status, errorLook(environment.out)));
      if (exitCode !== ExitCode.done && exitCode !== ExitCode.interrupted) {
        environment.err.write(`after ${formatDuration(timeout)}: ${verdictWords(last.status)}\n`);
      }
      return exitCode;
    },
  });
}

/** The last look; undefined when there was none. */
async function lookUntilHealthy(pipeline: Pipeline, parts: EngineParts, options: StatusOptions): Promise<Seen | undefined> {
  const { interval = USUAL_INTERVAL, timeout = USUAL_TIMEOUT } = options;
  const began = Date.now();
  const left = (): number => began + timeout - Date.now();
  const line = waitingLine(pipeline.environment, began);
  const looks = new Looks(pipeline, parts, { patience: () => Math.max(0, left()) + GRACE });
  let last: Seen | undefined;
  try {
    for (;;) {
      const look = await looks.look(() => undefined);
      last = look ?? last;
      if (look === undefined || look.exitCode === ExitCode.done || left() <= 0) return last;
      line.waitsFor(look.problems);
      if (!(await looks.wait(Math.min(interval, left())))) return last;
    }
  } finally {
    line.end();
    await looks.close();
  }
}

/** Says on a line of a terminal what is waited for; elsewhere nothing, because scripts read the end. */
function waitingLine({ err, variables }: Environment, began: number): { waitsFor(problems: readonly string[]): void; end(): void } {
  if (chooseOutput(undefined, err, variables).kind !== 'tree') return { waitsFor: () => undefined, end: () => undefined };
  let problems: readonly string[] = [];
  const draw = (): void => {
    const [first, ...others] = problems;
    const what =
      first === undefined ? '' : `: ${firstLine(printable(first))}${others.length === 0 ? '' : ` and ${count(others.length, 'other')}`}`;
    const elapsed = formatElapsed(Date.now() - began);
    err.write(
      `\r\u001b[2K${cutToWidth(`${elapsed === '' ? '' : `${elapsed} · `}waiting until the cluster is healthy${what}`, columnsOf(err) - 1)}`,
    );
  };
  draw();
  const timer = setInterval(draw, 1000);
  return {
    waitsFor: (found) => {
      problems = found;
      draw();
    },
    end: () => {
      clearInterval(timer);
      err.write('\r\u001b[2K');
    },
  };
}
