export { inventoryJsonSchema } from './json-schema.js';
export { readIdentity } from './identity.js';
export type { InventoryIdentity } from './identity.js';
export { toTarget } from './inventory.js';
export type { Host, HostTarget, Inventory, Provenance, SshHop, SshSettings, Variables } from './inventory.js';
export { labInventory, relocator } from './lab-inventory.js';
export type { LabMember, LabParts } from './lab-inventory.js';
export { SourceDocument } from './document.js';
export { loadInventory } from './load.js';
export type { LoadOptions } from './load.js';
export { maskSecretOverrides } from './mask-overrides.js';
export { formatProblem, InventoryError } from './problem.js';
export type { Problem } from './problem.js';
export { inventoryReference } from './reference.js';
export type { JsonType, RoleSchema, VariableSchema, VariablesSchema } from './role-schema.js';

