export { describeChange } from './change-words.js';
export { inventoryJsonSchema } from './json-schema.js';
export { patienceFor } from './patience.js';
export { PathResolver } from './paths.js';
export { readIdentity } from './identity.js';
export type { InventoryIdentity } from './identity.js';
export { leavingAbsent, withAbsent, withoutHosts } from './absent.js';
export { withFormer, withName } from './former.js';
export { notWanted, removal } from './removal.js';
export { toTarget } from './inventory.js';
export type { Host, HostTarget, Inventory, Provenance, SshHop, SshSettings, Variables } from './inventory.js';
export { labInventory, relocator } from './lab-inventory.js';
export type { LabMember, LabParts } from './lab-inventory.js';
export { SourceDocument } from './document.js';
export { loadInventory } from './load.js';
export type { LoadOptions } from './load.js';
export { maskHop } from './ssh.js';
export { maskSecretOverrides } from './mask-overrides.js';
export { variablesOf, type FromSchema, type FromVariables } from './from-schema.js';
export { readNames } from './names.js';
export type { InventoryNames } from './names.js';
export { formatProblem, InventoryError } from './problem.js';
export { isOpenFile } from './read-text.js';
export type { Problem } from './problem.js';
export { inventoryReference } from './reference.js';
export type {
  ChangeMeaning,
  Contribution,
  JsonType,
  NamedHosts,
  RoleSchema,
  VariableProblem,
  VariableSchema,
  VariablesSchema,
} from './role-schema.js';
export type { Entrance, PortAudience, RolePort, RoleProtocol } from './role-port.js';
export { rolesDirectories } from './roles-path.js';
export { schemaProblems } from './check-schema.js';
export { DEFAULT_DCS } from './default-dcs.js';
export { DEFAULT_ROLES, HOST_NAME, inventorySchemas } from './schema.js';

export { topologyOf } from './topology.js';
export type { Topology } from './topology.js';
