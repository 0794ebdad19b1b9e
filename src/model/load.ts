import { dirname, resolve } from 'node:path';
import { SecretFetcher } from '../secrets/fetcher.js';
import { checkAddresses, checkNames, checkReached } from './check-names.js';
import { checkRequired, checkRequirements, checkScopes, checkValues } from './check-roles.js';
import { checkStructure, placesOf, topMapping } from './check-structure.js';
import { Checker } from './checker.js';
import { withContributions } from './contributions.js';
import { checkDcs, dcsOf } from './dcs.js';
import { absentHosts } from './absent.js';
import { fetchDeferred, type DeferredVariable } from './deferred-secrets.js';
import type { Host, Inventory } from './inventory.js';
import { layersOf, rolesOf } from './layers.js';
import { leaderOf } from './leader.js';
import { own } from './mapping.js';
import { checkTopology, streamingHosts } from './topology.js';
import { outlineOf } from './outline.js';
import { parseOverride } from './overrides.js';
import { PathResolver } from './paths.js';
import { patienceWith } from './patience.js';
import { checkPorts, entrancesOf, portsOf, protocolsOf } from './ports.js';
import { InventoryError, sortProblems } from './problem.js';
import { readDocument } from './read-document.js';
import { Report } from './report.js';
import { resolveHost } from './resolve-host.js';
import type { RoleSchema } from './role-schema.js';
import { inventorySchemas } from './schema.js';
import type { InventorySchemas } from './schema.js';
import { SecretSource } from './secret-source.js';
import { currentUser } from './ssh.js';
import { SshConfigs } from './ssh-config.js';
import { rolesDirectories } from './roles-path.js';
import { findWarnings } from './warnings.js';

/** What `loadInventory` needs besides the file. */
export interface LoadOptions {
  /** The catalog: every role an inventory may name. */
  roles: readonly RoleSchema[];
  /** The catalog with the roles in these directories, for an inventory that has a `rolesPath`. */
  extend?(directories: readonly string[]): Promise<readonly RoleSchema[]>;
  /** `--set` options in the order given; later ones win. */
  set?: readonly string[];
  /** For `{env: NAME}` secrets and `~`; default `process.env`. */
  env?: NodeJS.ProcessEnv;
  /** `check`: secrets of programs and stores are not fetched, only that there is where to fetch them; default `fetch`. */
  secrets?: 'fetch' | 'check';
  /** Fetches them; default: one that asks nobody. */
  fetcher?: SecretFetcher;
  /** Where programs that print secrets run; default: the inventory's directory. */
  commandDirectory?: string;
}

/**
 * Reads, checks and resolves an inventory.
 * @throws InventoryError with everything that is wrong, each with its place
 */
export async function loadInventory(file: string, options: LoadOptions): Promise<Inventory> {
  const { set = [], env = process.env } = options;
  const document = await readDocument(file);
  const report = new Report(document);
  const top = topMapping(document, report);
  if (top === undefined) throw new InventoryError(report.problems);

  const paths = new PathResolver(dirname(resolve(file)), env);
  const rolesPath = rolesDirectories(top, (path) => paths.resolve(path));
  const roles = rolesPath.length === 0 || options.extend === undefined ? options.roles : await options.extend(rolesPath);
  const { schemas, checker } = await checkerFor(roles);
  const outline = outlineOf(document, top);
  checkStructure(outline, schemas, checker, report);
  checkNames(outline, report);
  checkAddresses(outline, report);

  const names = outline.hosts.map((host) => host.name);
  const context = { sections: schemas.sections, hosts: names, checker, report };
  const overrides = set.flatMap((text) => parseOverride(text, context) ?? []);
  const layered = outline.hosts.map((host) => {
    const layers = layersOf(host, outline, overrides);
    return { name: host.name, host, layers, roles: rolesOf(layers, roles, dcsOf(top)) };
  });
  checkRequirements(layered, roles, report);
  const isAbsent = absentHosts(outline, top, report);
  const present = layered.filter(({ name }) => !isAbsent(name));
  const withRoles = present.map(({ name, roles: has }) => ({ name, roles: has.names }));
  checkDcs(top, withRoles, roles, report);
  checkTopology(top, withRoles, report);
  const leader = leaderOf(top, withRoles, report);

  const secrets = new SecretSource({ env, paths, directory: options.commandDirectory ?? dirname(resolve(file)) });
  const user = currentUser(env);
  const sshConfigs = new SshConfigs(paths, env, user);
  const resolving = { document, checker, secrets, report, paths, outline, schemas, user, sshConfigs, deferred: [] as DeferredVariable[] };
  const streaming = streamingHosts(withRoles);
  const resolved = layered.map(({ host, layers, roles: has }): Host => {
    const found = resolveHost(host, layers, has, resolving);
    return streaming.has(host.name) ? { ...found, streams: true } : found;
  });
  if (options.secrets !== 'check' && report.problems.length === 0) {
    await fetchDeferred(resolving.deferred, options.fetcher ?? new SecretFetcher({ env }), resolving);
  }
  const cluster = typeof top['cluster'] === 'string' ? top['cluster'] : '';
  const all = withContributions(resolved, { cluster, roles, schemas, checker, report });
  const withVariables = all.filter(({ name }) => !isAbsent(name));
  // Who takes the place of one that is absent may have its address.
  checkReached(
    withVariables.filter((host) => host.address !== ''),
    report,
  );
  checkScopes(all, roles, report);
  checkRequired(all, roles, report);
  report.problems.push(...sshConfigs.problems.errors);
  if (report.problems.length === 0) checkValues({ cluster, hosts: withVariables, leader }, roles, report);
  if (report.problems.length === 0) checkPorts(withVariables, roles, report);
  if (report.problems.length > 0) throw new InventoryError(report.problems);

  const whole = all.map((host) => ({
    ...host,
    ports: portsOf(host, roles),
    protocols: protocolsOf(host, roles),
    entrances: entrancesOf(host, roles),
    patience: patienceWith(host, roles),
  }));
  const hosts = whole.filter(({ name }) => !isAbsent(name));
  const warnings = new Report(document);
  findWarnings({ cluster, outline, hosts, leader, roles, sections: schemas.sections }, warnings);
  return {
    file: resolve(file),
    dir: dirname(resolve(file)),
    cluster,
    rolesPath,
    leader,
    ...(own(top, 'leader') === undefined ? {} : { leaderLine: document.position(['leader']).line }),
    hosts,
    absent: whole.filter(({ name }) => isAbsent(name)),
    groups: outline.groups.map((group) => ({ name: group.name, hosts: group.members.filter((name) => !isAbsent(name)) })),
    warnings: sortProblems([...warnings.problems, ...sshConfigs.problems.warnings]),
  };
}

/** Compiled checks, kept for a catalog that is used again. */
const checkers = new WeakMap<readonly RoleSchema[], Promise<{ schemas: InventorySchemas; checker: Checker }>>();

function checkerFor(roles: readonly RoleSchema[]): Promise<{ schemas: InventorySchemas; checker: Checker }> {
  const known = checkers.get(roles);
  if (known !== undefined) return known;
  const schemas = inventorySchemas(roles);
  const made = Checker.create(schemas, placesOf(schemas)).then((checker) => ({ schemas, checker }));
  checkers.set(roles, made);
  return made;
}
