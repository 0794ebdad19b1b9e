import { handle } from '../handle.js';
import { answerLines, type Observation } from '../resource.js';
import { sh } from '../../shell/quote.js';

/** The data directories that pgBackRest's configuration on a host names, its own and those of others. */
export type BackupConfigured = readonly string[];

/** The observation's id. */
export const BACKUP_CONFIGURED = handle<BackupConfigured>('backup-configured');

/** Which data pgBackRest takes for that of the cluster. */
export function backupConfigured(configFile: string): Observation<BackupConfigured> {
  return {
    ...BACKUP_CONFIGURED,
    probe: () => sh`[ ! -r ${configFile} ] || sed -n 's/^pg[0-9]*-path=//p' ${configFile}`,
    parse: (answer) => answerLines(answer).filter((line) => line !== ''),
  };
}
