/** The public API: everything that a role or an operation may import. */
export type { CheckResult, Drift, PlannedChange } from './events.js';
export { formatBytes } from './lib/bytes.js';
export { maintenanceWords, type SlotStatus } from './lib/cluster-status.js';
export { enumerate } from './lib/enumerate.js';
export type { Evidence, Finding, FindingLevel } from './lib/finding.js';
export { groupBy } from './lib/group-by.js';
export { didYouMean, unknownName } from './lib/nearest.js';
export { pgprov } from './lib/pgprov-command.js';
export { makePassword } from './lib/password.js';
export { keyFingerprints } from './lib/openpgp.js';
export { verifierMatches } from './lib/scram.js';
export { reveal, Secret } from './lib/secret.js';
export { slotNameOf } from './lib/slot-name.js';
export {
  notWanted,
  removal,
  topologyOf,
  variablesOf,
  withAbsent,
  withFormer,
  withoutHosts,
  type FromSchema,
  type FromVariables,
  type Topology,
} from './model/index.js';
export type {
  ChangeMeaning,
  Contribution,
  Entrance,
  Host,
  Inventory,
  NamedHosts,
  PortAudience,
  RolePort,
  RoleProtocol,
  VariableProblem,
  VariableSchema,
  VariablesSchema,
} from './model/index.js';
export { extensionPackages, patronictlOn, PLATFORMS } from './platform/index.js';
export type { PinnedKey, Platform, PostgresqlLayout, ServiceLayout, StandaloneLayout } from './platform/index.js';
export {
  defineRole,
  type ClusterPassword,
  type DeclaredPassword,
  type KeptPassword,
  type Crossing,
  type First,
  type Installation,
  type Leadership,
  type Objection,
  type RunScope,
  type Role,
  type RoleContext,
  type Settling,
  type Stage,
  type StageProof,
  type StageStart,
  type StatusLine,
  type TlsCopies,
  type TlsIdentity,
  type UnitGuard,
  type UnitMove,
} from './plan/role.js';
export { shownPath } from './lib/shown-path.js';
export { dataDirectoryOf, localServer, VERSION_IN_PATH } from './plan/local-server.js';
export { logPlaceOf } from './plan/log-place.js';
export { defineDiagnosis, type Diagnosis, type Examination } from './plan/diagnosis.js';
export type { GoneHost } from './plan/gone-host.js';
export {
  defineOperation,
  type Aim,
  type ConvergeStep,
  type Desk,
  type DeskStep,
  type Foreseen,
  type Hindrance,
  type HostStep,
  type InventoryEdit,
  type KeptFacts,
  type KeptSnapshot,
  type Operation,
  type OperationArgument,
  type LeftOver,
  type OperationObjection,
  type OperationRun,
  type OperationStart,
  type OperationStep,
  type OptionSchema,
  type OptionSchemas,
  type OptionValue,
  type SnapshotStep,
} from './plan/operation.js';
export type { SourceClient, SourceCluster } from './plan/source-cluster.js';
export { certificatePlaces, tlsResources, type CertificatePlace, type TlsResources } from './plan/tls.js';
export { View } from './plan/view.js';
export type {
  BackupStatus,
  FailedBackup,
  RepositoryBackups,
  RestoreWindow,
  RunningBackup,
  StoredBackup,
  WalGap,
} from './lib/backup-status.js';
export { filesPerLog, hasRange, joinRanges, missingRanges, readWalFile, segmentOf, walFile, type WalRange } from './postgres/wal-files.js';
export { formatLsn, lsnBytes } from './postgres/lsn.js';
export { archiving, ARCHIVING, type Archiving } from './resources/archiving.js';
export { BACKUP_CHECK, backupCheck, type BackupCheckOptions, type BackupCheckState } from './resources/backup/check.js';
export { backupStanza, stanzaUpgraded } from './resources/backup/stanza.js';
export { archivesOwn, type ArchivesOwnOptions } from './resources/restore/archives-own.js';
export { clonedData, type ClonedDataOptions } from './resources/restore/cloned-data.js';
export { leaderPosition } from './resources/leader-position.js';
export { ARCHIVE_CAUSE, ARCHIVE_FAILED } from './postgres/archiver-words.js';
export { RECEIVER_STATE } from './postgres/wal-receiver.js';
export { hbaAdmits } from './postgres/hba-admits.js';
export { coveringLine } from './postgres/hba-cover.js';
export { parseHbaLine, type HbaLine, type HbaProblem, type HbaRule } from './postgres/hba.js';
export { HBA_METHODS } from './postgres/hba-methods.js';
export { aptRepository } from './resources/apt-repository.js';
export { AUTOMATIC_UPGRADES, automaticUpgrades, type AutomaticUpgrades } from './resources/automatic-upgrades.js';
export {
  askInfo,
  asPgbackrest,
  BACKUP_INFO,
  backupInfo,
  type Backup,
  type BackupArchive,
  type BackupInfo,
  type BackupInfoOptions,
  pgbackrestWords,
  type RepositoryInfo,
} from './resources/backup/info.js';
export { BACKUP_MANIFESTS, backupManifests, type BackupManifests } from './resources/backup/manifests.js';
export { BACKUP_ARCHIVE, backupArchive, type ArchivedWal, type WalRun } from './resources/backup/archive.js';
export { BACKUP_CONFIGURED, backupConfigured, type BackupConfigured } from './resources/backup/configured.js';
export { backupProgress } from './resources/backup/progress.js';
export { ASKED_NOTES, BACKUP_RUNS, backupRuns, type BackupRun } from './resources/backup/runs.js';
export { BACKUP_VERIFIED, backupVerified, type BackupVerified } from './resources/backup/verified.js';
export { CLOCK_SERVICE, clockService, type ClockService } from './resources/clock-service.js';
export { clientsCut, type ClientsCutOptions } from './resources/clients-cut.js';
export { command, commandHandle } from './resources/command.js';
export { handle, stateOf, type Handle } from './resources/handle.js';
export {
  DATA_DIRECTORY,
  dataDirectory,
  dataQuestion,
  HOLDS_CLUSTER,
  PATRONI_CACHE,
  type ClusterData,
  type DataDirectoryState,
  type TimelineHistory,
} from './resources/data-directory.js';
export { dataAside, type DataAsideOptions } from './resources/data-aside.js';
export {
  allServersCheck,
  findLeader,
  leaderCheck,
  leaderQuestion,
  type ConsulClient,
  type ConsulServer,
} from './resources/consul/client.js';
export { consulKeys, consulSettings, keysCheck } from './resources/consul/keys.js';
export {
  CONSUL_AGENT,
  CONSUL_MEMBER,
  consulAgent,
  consulMember,
  type ConsulAgentState,
  type ConsulMemberState,
} from './resources/consul/member.js';
export { consulAccess, consulAccessHandle, type ConsulAccess } from './resources/consul/access.js';
export { savedConsulPeers, savedConsulSnapshot } from './resources/consul/saved.js';
export { consulRemoved, type ConsulRemovedOptions } from './resources/consul/removed.js';
export { consulToken } from './resources/consul/token.js';
export { DATA_ORIGIN, dataOrigin, type DataOrigin } from './resources/restore/data-origin.js';
export { DATA_BESIDE, dataBeside } from './resources/data-beside.js';
export { DATA_COPY, dataCopy, defineBytes, type DataCopy } from './resources/data-copy.js';
export { DEAD_SLOTS, deadSlotDropped, deadSlots } from './resources/dead-slot.js';
export { DATA_OWNERSHIP, dataOwned, dataOwnership, ownershipTrouble, type DataOwnership } from './resources/data-ownership.js';
export { DCS, dcs, type DcsKey, type DcsKeys, type DcsState } from './resources/dcs.js';
export { dnfEnabledRepository } from './resources/dnf-enabled-repository.js';
export { dnfModuleDisabled } from './resources/dnf-module.js';
export { dnfRepositories, type DnfRepository } from './resources/dnf-repositories.js';
export {
  agreementCheck,
  agreesOnVersion,
  allHealthyCheck,
  etcdctl,
  healthQuestion,
  leadsEtcd,
  saysHealthy,
  statusQuestion,
  versionQuestion,
  type EtcdClient,
} from './resources/etcd/client.js';
export { ETCD_CLUSTER, etcdCluster, idOfNewMember, type EtcdClusterState, type EtcdListed } from './resources/etcd/cluster.js';
export { damageWords, ETCD_DAMAGE, ETCD_LET_IN } from './resources/etcd/damage.js';
export { ETCD_DATABASE, etcdDatabase, type EtcdDatabase } from './resources/etcd/database.js';
export { savedEtcdMembers, savedEtcdSnapshot } from './resources/etcd/saved.js';
export { ETCD_JOINED, etcdJoined, etcdVotes, type EtcdMembershipOptions } from './resources/etcd/membership.js';
export { etcdEnvironment } from './resources/etcd/environment.js';
export { SOURCE_ADDRESS, sourceAddress } from './resources/source-address.js';
export { etcdReaddressed, type EtcdReaddressedOptions } from './resources/etcd/readdressed.js';
export { etcdRefuses, type EtcdRefusesOptions } from './resources/etcd/refuses.js';
export { etcdRemoved, type EtcdRemovedOptions } from './resources/etcd/removed.js';
export { etcdKeys } from './resources/etcd/keys.js';
export { etcdFormerConfigs } from './resources/etcd/former.js';
export { FORMER_CONFIGS } from './resources/former-configs.js';
export { etcdLeft } from './resources/etcd/left.js';
export { etcdWrites } from './resources/etcd/writes.js';
export { STORE_WRITES, type StoreWrites } from './resources/store-writes.js';
export { STORE_LEFT, type ScopeCopy, type StoreLeft } from './resources/scope-copy.js';
export { ETCD_MEMBER, etcdMember, type EtcdMemberState } from './resources/etcd/member.js';
export { ETCD_RUNNING, etcdRunning, type EtcdRunning, type EtcdSettings } from './resources/etcd/running.js';
export { removeBlock, replaceBlock } from './resources/files/blocks.js';
export { directory } from './resources/files/directory.js';
export { editedFile } from './resources/files/edited-file.js';
export { file, type CountingPart } from './resources/files/file.js';
export { fileHandle, type PathState } from './resources/files/path.js';
export { FILE_SYSTEMS, fileSystems, type FileSystem } from './resources/file-systems.js';
export { FIREWALL, firewall, firewallsInForce, type FirewallName, type FirewallState } from './resources/firewall/firewall.js';
export { firewallService } from './resources/firewall/firewall-service.js';
export { closesWhenLoaded } from './resources/firewall/nftables.js';
export { canonicalNetwork, mergeOpenings } from './resources/firewall/opening.js';
export { enabledAfterFirstStart, HAS_STARTED, notesFirstStart, type FirstStart } from './resources/first-start.js';
export { FREE_SPACE, freeSpace, type FreeSpace } from './resources/free-space.js';
export { gate, LOOKS_EVERY } from './resources/gate.js';
export { backupRestored, begunNote, restoredGate, restoreNoted, type BackupRestoredOptions } from './resources/restore/restored.js';
export {
  BACKUP_TIMERS,
  BACKUPS_HELD_NOTE,
  backupTimers,
  holdEnded,
  timersHeld,
  timersRun,
  type BackupTimers,
} from './resources/backup/timers.js';
export { dataReturned } from './resources/restore/data-returned.js';
export { recoverySettingsGone } from './resources/restore/recovery-settings.js';
export { privateServerEnded, privateServerRuns, recoveredGate } from './resources/restore/private-server.js';
export {
  PRIVATE_SOCKET,
  privateServer,
  RESTORE_PLACE,
  restorePlace,
  RESTORING_UNIT,
  type RestorePlace,
} from './resources/restore/place.js';
export {
  accessPlaced,
  accessRemoved,
  probingOptions,
  SOURCE_ACCESS,
  SOURCE_DIRECTORY,
  SOURCE_FILES,
  SOURCE_OPTION,
  sourceAccess,
  throughAccess,
  type SourceAccess,
} from './resources/restore/source-access.js';
export { letInNoteOf, UNAPPROVED_DATA, unapprovedData, type UnapprovedData } from './resources/restore/unapproved-data.js';
export { timelinesTaken } from './resources/restore/timelines-taken.js';
export { BACKUPS_HELD, asksBackupsHeld, backupsHeld, backupsReleased } from './resources/backup/held.js';
export { DRILL_PLACE, drillPlace, type DrillNotes, type DrillPlace } from './resources/drill/place.js';
export { drillRoom, drillRoomHandle, type DrillRoom } from './resources/drill/room.js';
export { drillBegun, drillReached } from './resources/drill/run.js';
export { DRILL_UNIT, drillCleared, SCRATCH } from './resources/drill/scratch.js';
export type { DrillOptions } from './resources/drill/program.js';
export { WAL_WRITTEN, walWritten, type WalWritten } from './resources/wal-written.js';
export { formatDuration } from './lib/duration.js';
export { keepDrill } from './store/drills.js';
export type { Drill } from './lib/drill.js';
export { consistentGate, isConsistent, standbyConsistent, type StandbyConsistentOptions } from './resources/restore/standby-consistent.js';
export { isFormer, scopeReset } from './resources/scope-reset.js';
export { LONG, UPGRADE_FACTS, upgradeFacts, type UpgradeFacts, type UpgradeSays } from './resources/upgrade/facts.js';
export { formerDataRemoved, upgradeForgotten, upgradeNoted } from './resources/upgrade/notes.js';
export {
  UPGRADE_PLACE,
  upgradePlace,
  UPGRADING_UNIT,
  type Major,
  type MajorData,
  type UpgradeNote,
  type UpgradePlace,
} from './resources/upgrade/place.js';
export {
  CLOSE,
  migrationCopiedGate,
  databaseBrought,
  databasesAnalyzed,
  databaseSubscribed,
  rolesBrought,
  slotOf,
  timelineNoted,
  type Migrating,
} from './resources/migrate/copy.js';
export { MIGRATION_COPIES, migrationCopies, type MigrationCopy } from './resources/migrate/copies.js';
export { copyingMark, markOf, type Mark } from './resources/migrate/mark.js';
export { DRAFT, PREFIX } from './resources/migrate/queries.js';
export {
  MIGRATION,
  migrationSeen,
  type MigratedDatabase,
  type MigrationSeen,
  type MigrationSourceSeen,
  type MigrationTarget,
} from './resources/migrate/seen.js';
export { MIGRATION_DIRECTORY, migrationAccess, migrationAccessRemoved, type MigrationSource } from './resources/migrate/servers.js';
export { draftsDropped, movedOver, openedThere, putAside, unsubscribed, viewsFilled } from './resources/migrate/switch.js';
export { formerSpacesAside, spacesBack } from './resources/upgrade/spaces.js';
export { upgradedGate, upgradeRuns, type Transfer, type UpgradeRunOptions } from './resources/upgrade/run.js';
export { upgradeSettledGate, upgradeSettling } from './resources/upgrade/settle.js';
export { UPGRADE_READS, upgradeReads, type UpgradeReads } from './resources/upgrade/reads.js';
export { UPGRADE_TRIAL, upgradeTrial, type UpgradeTrial } from './resources/upgrade/trial.js';
export { memberProgress } from './resources/member-progress.js';
export { CLOCK_OFFSET, HOST_FACTS, type HostFacts } from './resources/host-facts.js';
export { logFilesOf } from './resources/host-logs.js';
export { hostLocale, isBuiltIn, type LocaleOptions, type LocaleState } from './resources/host-locale.js';
export { CONFIG_LOADED, configLoaded, type ConfigLoaded } from './resources/config-loaded.js';
export { PATRONI_FILE, patroniFile, type PatroniFile } from './resources/patroni/file.js';
export { coordinated, uncoordinated } from './resources/coordinated.js';
export { INTERRUPTED_BOOTSTRAP, interruptedBootstrap, neverServed, type BootstrapState } from './resources/interrupted-bootstrap.js';
export { interruptedCopy } from './resources/interrupted-copy.js';
export { mendParted, partedStandby } from './resources/parted-standby.js';
export { unstartedCopy } from './resources/unstarted-copy.js';
export {
  compareConfig,
  firstConfiguration,
  isJsonObject,
  isMalformed,
  leafPaths,
  mergePatch,
  RECORD_KEY,
  valueAt,
  type ConfigPath,
  type Json,
  type JsonObject,
  settingsOfOthers,
} from './resources/dynamic-config.js';
export { dynamicConfigWritten, isPatched } from './resources/dynamic-config-written.js';
export { recoveryWords } from './resources/recovery.js';
export { patroniAnew, patroniAnewHandle, type PatroniAnewState } from './resources/patroni/anew.js';
export { patroniConfig, wakeLeader, wakeMember, type PatroniConfigState } from './resources/patroni/config.js';
export { haltedHandle, patroniHalted, startedAfterHalt, type HaltedState, type PatroniHaltedOptions } from './resources/patroni/halted.js';
export { goesBySettings } from './resources/patroni/settings.js';
export { WAL_KEPT, walKept, type WalKept } from './resources/wal-kept.js';
export { PATRONI_HISTORY, patroniHistory, type PatroniHistory, type TimelineEnd } from './resources/patroni/history.js';
export {
  holdsLeaderLock,
  streamsTo,
  PATRONI_MEMBER,
  patroniMember,
  patroniQuestion,
  readMember,
  type ClusterMember,
  type PatroniMemberState,
  type ScheduledSwitchover,
} from './resources/patroni/member.js';
export { isPatroniConfig, localParameters, localTags } from './resources/patroni/local-parameters.js';
export { patroniPause, type PatroniPauseOptions, type PatroniPauseState } from './resources/patroni/pause.js';
export { patroniReload, type PatroniReloadOptions } from './resources/patroni/reload.js';
export { patroniRequest, type PatroniRequest } from './resources/patroni/request.js';
export { patroniRestart, type PatroniRestartOptions } from './resources/patroni/restart.js';
export { patroniReinitialize, type PatroniReinitializeOptions } from './resources/patroni/reinitialize.js';
export { findRest, restQuestion, type RestCredentials } from './resources/patroni/rest.js';
export { ownCluster } from './resources/own-cluster.js';
export { endHold, isHeld } from './resources/held-unit.js';
export {
  database,
  databaseHandle,
  waitingExtensions,
  type DatabaseOptions,
  type DatabaseState,
  type SeenContents,
  type WantedExtension,
} from './resources/contents/database.js';
export {
  databaseUser,
  databaseUserHandle,
  type Attribute,
  type DatabaseUserOptions,
  type DatabaseUserState,
} from './resources/contents/database-user.js';
export type { Grant } from './resources/contents/grants.js';
export { LEFT_UNITS, unitsOfOthers } from './resources/left-units.js';
export { endPutOff, isPutOff, releaseAtBoot } from './resources/put-off.js';
export { patroniSilent } from './resources/patroni/silent.js';
export { patroniStopped, stoppedHandle, type PatroniStoppedOptions, type PatroniStoppedState } from './resources/patroni/stopped.js';
export { isSchedule, patroniSchedule, patroniUnscheduled, type PatroniScheduleOptions } from './resources/patroni/schedule.js';
export { patroniSwitchover } from './resources/patroni/switchover.js';
export { KERNEL_LOG, kernelLog } from './resources/kernel-log.js';
export { MEMORY, memory, type MemoryState } from './resources/memory.js';
export { NAMES, names, type NamesState } from './resources/names.js';
export { PACKAGE_TROUBLE, packageTrouble, type PackageTrouble } from './resources/package-trouble.js';
export { packages } from './resources/packages.js';
export {
  fetchDigest,
  PACKAGES_FETCHED,
  packagesFetched,
  packagesToFetch,
  type FetchedState,
} from './resources/versions/fetched.js';
export { upstreamVersion, type Versions } from './resources/versions/installed.js';
export { PACKAGE_OFFERS, packageOffers, type PackageOffer, type PackageOffers } from './resources/versions/offers.js';
export { runningProgram, runningProgramHandle, type RunningProgram } from './resources/versions/running.js';
export { packagesOnHold } from './resources/versions/on-hold.js';
export { packagesSwitched } from './resources/versions/switched.js';
export { packagesHandle, type PackagesState } from './resources/packages-state.js';
export { pgCluster } from './resources/pg-cluster.js';
export { databaseLogins, PASSWORD_LOGIN, restLogins, type PasswordLogin } from './resources/password-login.js';
export { PENDING_RESTART, pendingRestart } from './resources/pending-restart.js';
export { pgpass, pgpassPasswords } from './resources/pgpass.js';
export { pgRole, pgRoleHandle, type PgRoleState } from './resources/pg-role.js';
export { ports, PORTS, type Listener } from './resources/ports.js';
export {
  asDatabaseUser,
  findRows,
  psql,
  psqlInput,
  socketOptions,
  sqlIdentifier,
  sqlLiteral,
  sqlQuestion,
  type LocalServer,
} from './resources/psql.js';
export { PHYSICAL_SLOTS, physicalSlots, SLOT_NAMES } from './resources/physical-slots.js';
export { retiredHandle, retiredUnits } from './resources/retired-units.js';
export { REACHABILITY, reachability, type Reach } from './resources/reachability.js';
export { RECENT_LOG, type HostLine, type LoggedLine } from './resources/recent-log.js';
export { replayedLimits, type ReplayedLimitsOptions } from './resources/replayed-limits.js';
export { REPLICATION_LOGIN, replicationLogin, type ReplicationLogin } from './resources/replication-login.js';
export {
  answerLines,
  answerText,
  digestOf,
  NOTHING_DONE,
  onlyThoroughly,
  UnknownAnswer,
  type Action,
  type Answer,
  type Change,
  type Gate,
  type GateState,
  type Observation,
  type Obstacle,
  type Resource,
} from './resources/resource.js';
export {
  instancesOfOthers,
  RUNNING,
  running,
  type Database,
  type Postmaster,
  type RegisteredDatabase,
  type RunningState,
} from './resources/running.js';
export { isRecognized, POSTMASTER_DELAY, postmasterDelay } from './resources/postmaster-delay.js';
export { savedFile, savedFiles, savedOutput, type SavedPart, type SavedState, type SnapshotForm } from './resources/saved.js';
export { readConfig, savedKeys, SAVED_KEYS, valuesInKeys } from './resources/saved-keys.js';
export { rpmKey } from './resources/rpm-key.js';
export { accessInForce, accessGate } from './resources/access-in-force.js';
export { ACCOUNT_PASSWORDS, accountPasswords, type AccountState } from './resources/account-passwords.js';
export { TIMELINE_BEGIN, timelineBegin, type TimelineBegin } from './resources/timeline-begin.js';
export { DATA_ACCESS, dataAccess, type DataAccess } from './resources/data-access.js';
export { SERVER_HEALTH, serverHealth, type ServerHealth } from './resources/server-health.js';
export { awaitedQuery, SERVER_SETTINGS, serverSettings, type ServerSettings, type WantedSettings } from './resources/settings-in-force.js';
export {
  SERVER_LIMITS,
  serverLimits,
  STANDBY_LIMITS,
  STARTED_QUERY,
  type Limits,
  type ServerLimits,
  type StandbyLimit,
} from './resources/server-limits.js';
export { HAPROXY, haproxyStatistics, readStatistics, type ProxyServer, type ProxyState } from './resources/haproxy.js';
export { onConsole, type PoolerConsole } from './resources/pgbouncer/console.js';
export { POOLER_LOGIN, poolerLogin, type PoolerLogin } from './resources/pgbouncer/login.js';
export { LOOKUP_QUERY, loginLookup, type LookupState } from './resources/pgbouncer/lookup.js';
export {
  poolGoesOn,
  poolHeld,
  poolReleased,
  poolsPaused,
  poolsResumed,
  type PoolHeldOptions,
  type PoolsPausedOptions,
} from './resources/pgbouncer/paused.js';
export { passwordArrived, POOLER_ROLE, type PasswordArrivedOptions } from './resources/pgbouncer/password-arrived.js';
export { POOLER, pooler, readPooler, type Pool, type PoolerState } from './resources/pgbouncer/pooler.js';
export {
  FOREIGN_ADDRESS,
  foreignAddress,
  keepalivedRunsWith,
  VIRTUAL_ADDRESS,
  virtualAddress,
  type ForeignAddress,
  type HostAddress,
  type VirtualAddressState,
} from './resources/virtual-address.js';
export { SELINUX_DENIALS, selinuxDenials } from './resources/selinux-denials.js';
export { ASIDE } from './resources/put-aside.js';
export { scopeIdentity, type ScopeIdentityOptions } from './resources/scope-identity.js';
export { START_TRIAL, startTrial, type FailingSetting, type StartTrial } from './resources/start-trial.js';
export { selinuxBoolean, selinuxDirectory, selinuxPort } from './resources/selinux.js';
export { unitCopy, type UnitCopyOptions, type UnitCopyState } from './resources/unit-copy.js';
export {
  loadedHandle,
  POOLER_CERTIFICATE,
  SERVER_CERTIFICATE,
  serverCertificate,
  serverCertificateLoaded,
  type LoadedCertificate,
  type ServerCertificate,
} from './resources/server-certificate.js';
export { SERVER_ASKED, serverAsked, type ServerAsked } from './resources/server-asked.js';
export {
  enabledHandle,
  enabledUnit,
  noteReloadDue,
  service,
  serviceHandle,
  type EnabledState,
  type ServiceState,
  type UnitPackage,
} from './resources/service.js';
export { type SharedQuestion, printAnswer } from './resources/shared-question.js';
export { partedServer, type Parted, type PartingServer } from './resources/streaming/parted.js';
export { PENDING_VALUES, pendingValues, type PendingValue } from './resources/streaming/pending-values.js';
export { rewindSource } from './resources/streaming/rewind-source.js';
export { serverAside } from './resources/streaming/server-aside.js';
export { standbyRestored, type StandbyRestoredOptions } from './resources/streaming/standby-restored.js';
export { standbyRewound } from './resources/streaming/standby-rewound.js';
export { serverReload } from './resources/streaming/server-reload.js';
export { serverRestart } from './resources/streaming/server-restart.js';
export { SERVER_HELD, serverReleased, serverStarted } from './resources/streaming/server-started.js';
export {
  SERVER_UNIT,
  serverStopped,
  serverUnit,
  stopServer,
  type ServerUnitState,
  type UnitServer,
} from './resources/streaming/server-unit.js';
export { STREAMING_SERVER, streamingServer, type StreamingServer, type StreamingWords } from './resources/streaming/server.js';
export {
  copiedGate,
  copyingUnit,
  STANDBY_COPY,
  standbyCopied,
  standbyCopy,
  standbyJoined,
  type StandbyCopyState,
} from './resources/streaming/standby-copy.js';
export { awaitedStreaming } from './resources/streaming/awaited-streaming.js';
export { primaryFenced, primaryHeld, primaryReleased } from './resources/streaming/primary-held.js';
export { hasCheckpoint, promoted, standbyCaughtUp, writesGate } from './resources/streaming/promoted.js';
export { SERVERS_ANSWERING, serversAnswering, TAKEOVER, takeover, type Takeover } from './resources/streaming/takeover.js';
export {
  SYNCHRONOUS_FILE,
  synchronousBegun,
  synchronousEnded,
  type SynchronousOptions,
} from './resources/streaming/synchronous.js';
export { SHARED, TABLESPACES, tablespaces, type Tablespaces } from './resources/streaming/tablespaces.js';
export { memberSlots, type MemberSlotsOptions, type MemberSlotsState } from './resources/streaming/member-slots.js';
export { SERVER_REPLICATION, serverReplication, type ServerReplication } from './resources/server-replication.js';
export { settingsReset, type SettingsResetOptions } from './resources/settings-reset.js';
export { signingKey } from './resources/signing-key.js';
export { controlTrouble, soundData } from './resources/sound-data.js';
export { PATRONI_TAKEN, patroniTaken, takenGate, untakenSettings, type PatroniTaken } from './resources/patroni/taken.js';
export { storeAside, type StoreAsideOptions } from './resources/store-aside.js';
export { STRAY_SERVICES, strayServices, type StrayServices } from './resources/stray-services.js';
export { stuckConfig, stuckConfigHandle, type StuckConfigState } from './resources/stuck-config.js';
export { timer, type TimerOptions, type TimerState } from './resources/timer.js';
export { addressOf, TLS_HANDSHAKES, tlsHandshake, tlsHandshakes, type TlsHandshakesState } from './resources/tls-handshakes.js';
export { unitCommands, unitCommandsHandle, type UnitCommand } from './resources/unit-commands.js';
export {
  inForceHandle,
  settingsText,
  unitInForce,
  type SettingInForce,
  type UnitInForce,
  type UnitInForceOptions,
} from './resources/unit-in-force.js';
export { UNIT_HEALTH, unitHealth, type UnitHealth } from './resources/unit-health.js';
export { unitRestart, unitStart, unitStartHandle, type UnitRestartOptions } from './resources/unit-restart.js';
export { walArchived } from './resources/wal-archived.js';
export { WATCHDOG, watchdogDevice, type WatchdogState } from './resources/watchdog.js';
export { describeReference } from './secrets/reference.js';
export { growingSeconds, seconds } from './shell/patience.js';
export { joinScripts, NOTHING, sh, type Script } from './shell/quote.js';
export type { ClusterCredentials } from './store/cluster-credentials.js';
export {
  certificatesIn,
  endOfGiven,
  givenProblems,
  namesMissing,
  pemOf,
  subjectOf,
  type GivenProblem,
  type GivenTexts,
} from './store/given.js';
export { daysLeft, readCertificate, type Renewal } from './store/renewal.js';
export { serialsIn } from './store/revocation-list.js';
export { addressesOf, issuedBy, type IssuedCertificate, type RevokedCertificate } from './store/revocations.js';
export { splitBundle, type RotationPhase } from './store/trust.js';
