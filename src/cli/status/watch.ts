import { ExitCode } from '../../lib/errors.js';
import { formatDuration, formatElapsed } from '../../report/duration.js';
import { patienceFor } from '../../model/index.js';
import { makePaint } from '../../report/paint.js';
import { verdictWords } from '../../report/status.js';
import { renderStatus } from '../../report/status-text.js';
import { errorLook } from '../colors.js';
import { THIS_PROCESS } from '../pipeline/environment.js';
import { Look } from '../pipeline/look-line.js';
import { Pipeline, type EngineParts } from '../pipeline/pipeline.js';
import { essence } from './changed.js';
import type { Seen } from './look.js';
import { Looks, USUAL_INTERVAL } from './looks.js';
import { Screen } from './screen.js';
import type { StatusOptions } from './status.js';

/** Milliseconds after which a look goes on without a host of the usual patience that does not answer. */
const PATIENCE = 10_000;

/** Milliseconds between two drawings, which show how old the last look is. */
const DRAWN_EVERY = 1000;

/** `pgprov status --watch`: the cluster as it is from look to look, until Ctrl-C, which is its way to end and no failure. */
export async function watch(file: string, options: StatusOptions, environment = THIS_PROCESS): Promise<ExitCode> {
  const pipeline = await Pipeline.open(file, options, environment);
  return pipeline.carryOut({
    command: 'status --watch',
    shows: 'answer',
    tells: [],
    quiet: true,
    go: async (parts) => {
      const live = options.json !== true && pipeline.form.kind === 'tree';
      await (live ? watchOnScreen(pipeline, parts, options) : watchInBlocks(pipeline, parts, options));
      return { exitCode: ExitCode.done, errors: [] };
    },
  });
}

/** Draws every look over the one before. */
async function watchOnScreen(pipeline: Pipeline, parts: EngineParts, { interval = USUAL_INTERVAL }: StatusOptions): Promise<void> {
  const { out } = pipeline.environment;
  let seen: { look: Seen; at: number } | undefined;
  let looking: Look | undefined;
  const body = (look: Seen, whole: boolean): string => {
    const { dynamic: _settings, ...moving } = look.status;
    // On the second screen the top is in sight, and what does not fit below it is said to be there.
    return whole ? renderStatus(look.status, errorLook(out)) : renderStatus(moving, { ...errorLook(out), rows: Infinity });
  };
  const screen = new Screen(out, () => {
    const age = seen === undefined ? '' : formatElapsed(Date.now() - seen.at);
    const head = [
      `every ${formatDuration(interval)}, Ctrl-C ends`,
      ...(seen === undefined ? [] : [verdict(seen.look), age === '' ? 'seen just now' : `seen ${age} ago`]),
      ...(looking?.text === undefined ? [] : [looking.text]),
    ];
    return [makePaint(errorLook(out).color).quiet(head.join(' · ')), '', ...(seen === undefined ? [] : [body(seen.look, false)])].join(
      '\n',
    );
  });
  screen.open();
  const timer = setInterval(() => screen.draw(), DRAWN_EVERY);
  try {
    await eachLook(pipeline, parts, interval, {
      begin: () => {
        const look = new Look();
        looking = look;
        return (event) => look.take(event);
      },
      seen: (look) => {
        looking = undefined;
        seen = { look, at: Date.now() };
        screen.draw();
      },
    });
  } finally {
    clearInterval(timer);
    screen.close();
  }
  // What was seen last stays on the terminal.
  if (seen !== undefined) pipeline.print(body(seen.look, true));
}

/** In the first line, because the last ones may not fit into the window. */
function verdict({ status, exitCode }: Seen): string {
  return exitCode === ExitCode.done ? 'healthy' : verdictWords(status);
}

/** Prints a look when it shows something else than the one before. */
async function watchInBlocks(
  pipeline: Pipeline,
  parts: EngineParts,
  { interval = USUAL_INTERVAL, json = false }: StatusOptions,
): Promise<void> {
  const { out, now } = pipeline.environment;
  let before: string | undefined;
  await eachLook(pipeline, parts, interval, {
    begin: () => () => undefined,
    seen: (look) => {
      const found = essence(look);
      if (found === before) return;
      before = found;
      const at = now().toISOString();
      pipeline.print(
        json
          ? JSON.stringify({ at, ...look.status, problems: look.problems })
          : `${makePaint(errorLook(out).color).quiet(at)}\n${renderStatus(look.status, errorLook(out))}\n`,
      );
    },
  });
}

interface LookListener {
  /** A look begins; gives who hears of it. */
  begin(): Parameters<Looks['look']>[0];
  seen(look: Seen): void;
}

/** Looks until it is interrupted, or nobody reads the answers any more. */
async function eachLook(pipeline: Pipeline, parts: EngineParts, interval: number, listener: LookListener): Promise<void> {
  const unread = new AbortController();
  const stop = (): void => unread.abort();
  pipeline.environment.out.once('error', stop);
  const signal = AbortSignal.any([parts.signal, unread.signal]);
  const looks = new Looks(
    pipeline,
    { ...parts, signal },
    { patience: () => PATIENCE * patienceFor(pipeline.inventory.hosts), aside: true },
  );
  try {
    do {
      const look = await looks.look(listener.begin());
      if (look === undefined) return;
      listener.seen(look);
    } while (await looks.wait(interval));
  } finally {
    pipeline.environment.out.off('error', stop);
    await looks.close();
  }
}
