import { pgprov } from '../../lib/pgprov-command.js';
/** What a plan tells of `--restart` among its effects; nothing without it. */
export function restartsAfterwards(file: string, restarts: boolean | undefined): string[] {
  if (restarts !== true) return [];
  const command = pgprov`restart ${file} --pending`;
  return [
    `then, as --restart says, ${command} runs: it restarts PostgreSQL where that is pending, one member at a time, and shows its steps first`,
  ];
}
