import type { Diagnosis } from '../index.js';
import noLeader from './cluster/no-leader.js';
import storeHandshakes from './etcd/handshakes.js';
import storeIdentity from './etcd/identity.js';
import storeMemberDown from './etcd/member-down.js';
import storeMembers from './etcd/members.js';
import storeQuorum from './etcd/quorum.js';
import storeSlow from './etcd/slow.js';
import storeSpace from './etcd/space.js';
import storeVersions from './etcd/versions.js';
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
import storeProtocol from './patroni/store-protocol.js';

/** The diagnoses that come with pgprov; of findings of one level those of the earlier ones are told first. */
export const DIAGNOSES: readonly Diagnosis[] = [
  hostUnreachable,
  readOnly,
  diskFull,
  inodesSpent,
  outOfMemory,
  hugePages,
  kernelTrouble,
  memoryShort,
  wayClosed,
  certificates,
  portHeld,
  unitMasked,
  unitFailed,
  unitRestarts,
  unitStopped,
  selinuxDenials,
  storeQuorum,
  storeSpace,
  storeIdentity,
  storeHandshakes,
  storeMembers,
  storeMemberDown,
  storeProtocol,
  noLeader,
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
