import { joinScripts, NOTHING, sh, type Script } from '../../shell/quote.js';
import { serves, servesAsPrimary } from './facts.js';
import type { Major } from './place.js';

/** What a program of a new major is tried on. */
export interface BesideEarlierOptions {
  majors: readonly Major[];
  /** The major that is wanted. */
  target: number;
  /** The program that has to be there, by its name. */
  program: 'postgres' | 'pg_upgrade';
  /** Only on the server that takes writes. */
  primary?: boolean;
}

/** Has something done on a host whose server of an earlier major runs, and which has the program of the new one; nothing on any other. */
export function besideEarlier(
  { majors, target, program, primary = false }: BesideEarlierOptions,
  work: (from: Major, wanted: Major) => Script,
): Script {
  const wanted = majors.find(({ version }) => version === target);
  if (wanted === undefined) return NOTHING;
  const isServed = primary ? servesAsPrimary : serves;
  return joinScripts(
    majors
      .filter(({ version }) => version < target)
      .map(
        (from) => sh`if [ -x ${`${wanted.server.binDirectory}/${program}`} ] && ${isServed(from.path, from.server)}; then
${work(from, wanted)}
fi`,
      ),
  );
}
