import { command } from '../command.js';
import type { Resource } from '../resource.js';
import { sh } from '../../shell/quote.js';

/** Lines that pgBackRest writes for one recovery. */
const LINES = '^(restore_command|recovery_target(_[a-z]+)?) *=';

/**
 * The settings of a recovery that has come to its end are out of the data directory: as a standby, or copied to one, the server would end its
 * recovery there again. Patroni takes them away by itself.
 */
export function recoverySettingsGone(path: string): Resource<{ done: boolean }> {
  const file = `${path}/postgresql.auto.conf`;
  return command({
    name: 'recovery-settings-gone',
    summary: `take the settings of the recovery out of ${file}`,
    unless: sh`! grep -qE ${LINES} ${file} 2>/dev/null`,
    run: sh`sed -i -E ${`/${LINES}/d`} ${file}
sync ${file}`,
  });
}
