import type { ReporterKind } from './reporter-types.js';

/** The form of output and whether it has colours. */
export interface OutputChoice {
  kind: ReporterKind;
  color: boolean;
}

/**
 * The form of output for a stream: what was asked for, else a tree on a terminal and plain lines elsewhere.
 * A tree needs a terminal to draw on, so elsewhere even one that was asked for becomes plain lines.
 * Colours follow https://no-color.org and FORCE_COLOR.
 */
export function chooseOutput(
  requested: ReporterKind | 'auto' | undefined,
  stream: { isTTY?: boolean },
  env: NodeJS.ProcessEnv,
): OutputChoice {
  if (requested === 'json') return { kind: 'json', color: false };
  const terminal = stream.isTTY === true;
  const dumb = env.TERM === 'dumb';
  const wanted = requested === undefined || requested === 'auto' ? (isSet(env.CI) || dumb ? 'plain' : 'tree') : requested;
  return { kind: terminal ? wanted : 'plain', color: wantsColor(env, terminal && !dumb) };
}

function wantsColor(env: NodeJS.ProcessEnv, otherwise: boolean): boolean {
  if (env.NO_COLOR !== undefined && env.NO_COLOR !== '') return false;
  if (env.FORCE_COLOR !== undefined) return isSet(env.FORCE_COLOR) || env.FORCE_COLOR === '';
  return otherwise;
}

function isSet(value: string | undefined): boolean {
  return value !== undefined && !['', '0', 'false'].includes(value.toLowerCase());
}
