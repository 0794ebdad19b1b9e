export { type ExecOptions, type HostFacts, LabHost, sshSection } from './host.js';
export { CA_FILE, IDENTITY_FILE, publicKey, type PublicKey, type SigningKey } from './keys.js';
export { knownHostsFile, writeKnownHosts } from './known-hosts.js';
export { DEFAULT_NETWORK, ensureLab, findHosts, type HostRequest, removeAllLabs, removeLab, startHost, startHosts } from './lab.js';
export { labInventory } from './inventory.js';
export { mirrorRequests } from './mirror.js';
export { type ObjectStore, startObjectStore } from './objects.js';
export { LAB_DIR, LAB_ID } from './paths.js';
export type { Result } from './process.js';
export { SELINUX_LOG, SELINUX_MODE } from './selinux.js';
export { DEBIAN_URL, DOWN, type Fault, faultyPgdg, PGDG_KEY_URL, PGDG_URL, YUM_KEY_URL, YUM_URL } from './sites.js';
export {
  type DebianFacts,
  EARLIER,
  type ElFacts,
  type Family,
  LATER,
  type System,
  SYSTEM_NAMES,
  type SystemFacts,
  SYSTEMS,
} from './systems.js';
export { restoreCluster, type RestoredCluster } from './stages/cluster.js';
export { ensurePackages } from './stages/packages.js';
