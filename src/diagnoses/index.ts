import type { Diagnosis } from '../index.js';
import historyFork from './cluster/history-fork.js';
import initializeKey from './cluster/initialize-key.js';
import noLeader from './cluster/no-leader.js';
import pause from './cluster/pause.js';
import restoreUnfinished from './cluster/restore-unfinished.js';
import secondWriter from './cluster/second-writer.js';
import synchronous from './cluster/synchronous.js';
import takenOut from './cluster/taken-out.js';
import versions from './cluster/versions.js';
import consulAgent from './consul/agent.js';
import consulPeers from './consul/peers.js';
import consulQuorum from './consul/quorum.js';
import consulServerDown from './consul/server-down.js';
import consulToken from './consul/token.js';
import storeDamaged from './etcd/damaged.js';
import storeHandshakes from './etcd/handshakes.js';
import storeIdentity from './etcd/identity.js';
import storeMemberDown from './etcd/member-down.js';
import storeMembers from './etcd/members.js';
import storeQuorum from './etcd/quorum.js';
import storeSlow from './etcd/slow.js';
import storeSpace from './etcd/space.js';
import storeVersions from './etcd/versions.js';
import storeWrites from './etcd/writes.js';
import automaticUpgrades from './host/automatic-upgrades.js';
import certificates from './host/certificates.js';
import clockUnkept from './host/clock-unkept.js';
import clocksDiffer from './host/clocks-differ.js';
import diskFull from './host/disk-full.js';
import hostUnreachable from './host/host-unreachable.js';
import hugePages from './host/huge-pages.js';
import inodesSpent from './host/inodes-spent.js';
import kernelTrouble from './host/kernel-trouble.js';
import memoryShort from './host/memory-short.js';
import namesWrong from './host/names-wrong.js';
import outOfMemory from './host/out-of-memory.js';
import packagesHeld from './host/packages-held.js';
import packagesUnfinished from './host/packages-unfinished.js';
import portHeld from './host/port-held.js';
import readOnly from './host/read-only.js';
import selinuxDenials from './host/selinux-denials.js';
import strayServices from './host/stray-services.js';
import unitFailed from './host/unit-failed.js';
import unitMasked from './host/unit-masked.js';
import unitNotAtBoot from './host/unit-not-at-boot.js';
import unitRestarts from './host/unit-restarts.js';
import unitStopped from './host/unit-stopped.js';
import wayClosed from './host/way-closed.js';
import accounts from './patroni/accounts.js';
import failsafe from './patroni/failsafe.js';
import memberDown from './patroni/member-down.js';
import patroniRoot from './patroni/patroni-root.js';
import pendingRestart from './patroni/pending-restart.js';
import postmasterOpts from './patroni/postmaster-opts.js';
import storeProtocol from './etcd/protocol.js';
import watchdog from './patroni/watchdog.js';
import withoutPatroni from './patroni/without-patroni.js';
import accessRefused from './postgresql/access-refused.js';
import backups from './backup/backups.js';
import archiver from './postgresql/archiver.js';
import brokenFiles from './postgresql/broken-files.js';
import checksums from './postgresql/checksums.js';
import collations from './postgresql/collations.js';
import connectionsSpent from './postgresql/connections-spent.js';
import controlDamaged from './postgresql/control-damaged.js';
import dataAccess from './postgresql/data-access.js';
import diverged from './postgresql/diverged.js';
import lag from './postgresql/lag.js';
import noSpace from './postgresql/no-space.js';
import oldTransactions from './postgresql/old-transactions.js';
import poolsPaused from './pools/pools-paused.js';
import proxyCutOff from './proxies/proxy-cut-off.js';
import replayPaused from './postgresql/replay-paused.js';
import sharedMemory from './postgresql/shared-memory.js';
import slots from './postgresql/slots.js';
import startFailed from './postgresql/start-failed.js';
import systemIdentifier from './postgresql/system-identifier.js';
import walAhead from './postgresql/wal-ahead.js';
import walRemoved from './postgresql/wal-removed.js';
import walUnfit from './postgresql/wal-unfit.js';
import wraparound from './postgresql/wraparound.js';
import primaryDiffers from './streaming/primary-differs.js';
import standbyCutOff from './streaming/standby-cut-off.js';
import standbyPassword from './streaming/standby-password.js';
import standbySignal from './streaming/standby-signal.js';
import standbyTimeline from './streaming/standby-timeline.js';
import twoPrimaries from './streaming/two-primaries.js';

/**
 * The diagnoses that come with pgprov; of findings of one level those of the earlier ones are told first: what keeps all clients from writing,
 * then what makes them read or write what is wrong, then what takes a host or a member away, then what takes nothing away yet.
 */
export const DIAGNOSES: readonly Diagnosis[] = [
  restoreUnfinished,
  noLeader,
  twoPrimaries,
  storeQuorum,
  consulQuorum,
  storeSpace,
  storeWrites,
  initializeKey,
  connectionsSpent,
  synchronous,
  secondWriter,
  withoutPatroni,
  historyFork,
  checksums,
  hostUnreachable,
  readOnly,
  diskFull,
  noSpace,
  inodesSpent,
  outOfMemory,
  hugePages,
  kernelTrouble,
  memoryShort,
  wayClosed,
  certificates,
  portHeld,
  watchdog,
  patroniRoot,
  dataAccess,
  controlDamaged,
  systemIdentifier,
  sharedMemory,
  startFailed,
  storeProtocol,
  storeDamaged,
  storeIdentity,
  selinuxDenials,
  unitMasked,
  unitFailed,
  unitRestarts,
  unitStopped,
  proxyCutOff,
  poolsPaused,
  consulToken,
  consulAgent,
  storeHandshakes,
  takenOut,
  storeMembers,
  consulPeers,
  storeMemberDown,
  consulServerDown,
  wraparound,
  failsafe,
  walAhead,
  walUnfit,
  diverged,
  walRemoved,
  standbySignal,
  standbyTimeline,
  standbyPassword,
  standbyCutOff,
  memberDown,
  accounts,
  brokenFiles,
  slots,
  archiver,
  backups,
  replayPaused,
  lag,
  pause,
  collations,
  oldTransactions,
  accessRefused,
  pendingRestart,
  primaryDiffers,
  versions,
  postmasterOpts,
  packagesUnfinished,
  namesWrong,
  clocksDiffer,
  strayServices,
  unitNotAtBoot,
  automaticUpgrades,
  packagesHeld,
  clockUnkept,
  storeSlow,
  storeVersions,
];
