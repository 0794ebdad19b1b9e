import type { Operation } from '../index.js';
import backup from './backup.js';
import backupVerify from './backup-verify.js';
import certsRenew from './certs-renew.js';
import restart from './restart.js';
import clone from './clone.js';
import drillRestore from './drill-restore.js';
import configEdit from './config-edit.js';
import recover from './recover.js';
import rebuild from './rebuild.js';
import migrate from './migrate.js';
import pause from './pause.js';
import reload from './reload.js';
import remove from './remove.js';
import replace from './replace.js';
import rename from './rename.js';
import readdress from './readdress.js';
import restore from './restore.js';
import resume from './resume.js';
import failover from './failover.js';
import secretsRotate from './secrets-rotate.js';
import snapshot from './snapshot.js';
import start from './start.js';
import stop from './stop.js';
import switchover from './switchover.js';
import update from './update.js';
import upgrade from './upgrade.js';

export { backupRoles } from './shared/backup/asked.js';
export { asksBackups, backupState } from './shared/backup/state.js';
export { textSeen } from './shared/certificates-seen.js';
export { goneCertificates, type GoneCertificate } from './shared/gone-certificates.js';
export { desiredConfiguration, ownedSettings, ownParameters, patchBetween, type OwnedSetting } from './shared/config-changes.js';
export { answerOf, leaderOf } from './shared/members.js';
export { primarySeen, streams } from './shared/streaming/primary-seen.js';
export { asksHistory, patroniHosts } from './shared/patroni-asked.js';

/** How a run ended that took a step which has something done later, or not at all: by the step's id. */
export const STEP_ENDINGS: Readonly<Record<string, string>> = { 'switchover/schedule': 'scheduled', 'switchover/cancel': 'cancelled' };

/** The operations that come with pgprov, in the order in which `--help` has them. */
export const OPERATIONS: readonly Operation[] = [
  switchover as Operation,
  failover as Operation,
  restart as Operation,
  update as Operation,
  rebuild as Operation,
  remove as Operation,
  replace as Operation,
  rename as Operation,
  readdress as Operation,
  recover as Operation,
  restore as Operation,
  clone as Operation,
  migrate as Operation,
  pause as Operation,
  resume as Operation,
  reload as Operation,
  stop as Operation,
  start as Operation,
  backup as Operation,
  backupVerify as Operation,
  drillRestore as Operation,
  snapshot as Operation,
  configEdit as Operation,
  certsRenew as Operation,
  secretsRotate as Operation,
  upgrade as Operation,
];
