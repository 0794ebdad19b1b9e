import { handle, type Handle } from './handle.js';
import type { Script } from '../shell/quote.js';
import { digestOf, type Resource } from './resource.js';

/** Something that is so or not so, and a script that makes it so. */
export interface CommandOptions {
  name: string;
  /** What is done, for people: `register the cluster with postgresql-common`. */
  summary: string;
  /** Succeeds when nothing is to be done. */
  unless: Script;
  run: Script;
}

/** What is seen of a command by its name: whether its condition holds. */
export function commandHandle(name: string): Handle<{ done: boolean }> {
  return handle(`command:${name}`);
}

/** The escape hatch: a condition and the command that makes it true. */
export function command(options: CommandOptions): Resource<{ done: boolean }> {
  const { id } = commandHandle(options.name);
  return {
    id,
    probe: () => options.unless,
    parse: (answer) => ({ done: answer.status === 0 }),
    diff: (state) => (state.done ? [] : [{ action: 'run', summary: options.summary }]),
    apply: () => options.run,
    digest: () => digestOf(id, options.unless.text, options.run.text),
  };
}
