import { isDeepStrictEqual } from 'node:util';
import { missingIn } from './check-roles.js';
import type { Checker } from './checker.js';
import { childSchema } from './closed-schema.js';
import type { Host, Provenance, Variables } from './inventory.js';
import { deepFreeze, formatPath, isMapping } from './mapping.js';
import type { Report } from './report.js';
import type { RoleSchema, VariableSchema } from './role-schema.js';
import type { InventorySchemas } from './schema.js';

/** What contributions are checked against, and where what is wrong with them goes. */
export interface ContributionContext {
  /** The cluster's name. */
  cluster: string;
  /** The catalog, in the order in which roles add. */
  roles: readonly RoleSchema[];
  schemas: InventorySchemas;
  checker: Checker;
  report: Report;
}

/**
 * The hosts with what their roles add to each other's variables; what a role cannot add is reported, at `rolesPath`. Where something is wrong with
 * the inventory already, or a role lacks what it requires, nothing is added: a role reckons with values that meet its schema.
 */
export function withContributions(hosts: readonly Host[], context: ContributionContext): Host[] {
  const contributing = context.roles.filter(({ contributes }) => contributes !== undefined);
  if (contributing.length === 0 || context.report.problems.length > 0) return [...hosts];
  return hosts.map((host) => {
    const adding = contributing.filter(
      ({ name, variables }) => host.roles.includes(name) && missingIn(variables, host.vars[name], name).length === 0,
    );
    if (adding.length === 0) return host;
    const additions = new Additions(host, context);
    for (const role of adding) additions.add(role);
    return additions.host();
  });
}

/** One host's variables while roles add to them. */
class Additions {
  readonly #host: Host;
  readonly #context: ContributionContext;
  readonly #vars: Record<string, Variables>;
  readonly #provenance: Map<string, Provenance>;

  constructor(host: Host, context: ContributionContext) {
    this.#host = host;
    this.#context = context;
    this.#vars = { ...host.vars };
    this.#provenance = new Map(host.provenance);
  }

  add(role: RoleSchema): void {
    for (const [section, values] of Object.entries(role.contributes?.(this.#host, this.#context.cluster) ?? {})) {
      const schema = this.#context.schemas.sections.get(section);
      if (schema === undefined || section === 'ssh') this.#object(role, section, 'there is no such role');
      else if (this.#host.roles.includes(section)) this.#addTo(section, schema, values, role);
    }
  }

  host(): Host {
    return { ...this.#host, vars: Object.freeze(this.#vars), provenance: bySection(this.#provenance) };
  }

  #addTo(section: string, schema: VariableSchema, values: unknown, role: RoleSchema): void {
    const issues = this.#context.checker.check(schema, values);
    for (const { path, message } of issues) this.#object(role, formatPath([section, ...path]), message);
    if (issues.length > 0) return;
    const merged = this.#merge(this.#vars[section], values, schema, [section], role);
    if (isMapping(merged)) this.#vars[section] = deepFreeze(merged);
  }

  /** The value with the addition, as the schema says how; `schema` is that of the value. */
  #merge(
    present: unknown,
    added: unknown,
    schema: VariableSchema | undefined,
    path: readonly string[],
    role: RoleSchema,
    open = false,
  ): unknown {
    const dotted = formatPath(path);
    const here = open || schema?.additive === true;
    if (isMapping(added) && (present === undefined || isMapping(present)) && (here || schema?.properties !== undefined)) {
      const merged = new Map(Object.entries(present ?? {}));
      for (const [key, value] of Object.entries(added)) {
        merged.set(key, this.#merge(merged.get(key), value, childSchema(schema, key), [...path, key], role, here));
      }
      // An empty mapping was a value of its own so far.
      if (merged.size > 0) this.#provenance.delete(dotted);
      return Object.fromEntries(merged);
    }
    if (schema?.additive === true && Array.isArray(added)) return this.#joined(present, added, dotted, role);
    if (schema?.additive === true && present !== undefined) return this.#joined(wordsOf(present), wordsOf(added), dotted, role).join(',');
    if (!open) {
      this.#object(role, dotted, 'it takes no additions; `pgprov roles` marks what does');
      return present;
    }
    return this.#chosen(present, added, dotted, role);
  }

  #joined(present: unknown, added: readonly unknown[], dotted: string, role: RoleSchema): unknown[] {
    const before = Array.isArray(present) ? (present as unknown[]) : [];
    const more = added.filter((value) => !before.some((known) => isDeepStrictEqual(known, value)));
    if (more.length > 0) this.#from(dotted, role);
    return [...before, ...more];
  }

  /** A single value: what the inventory gives stays, and roles must agree. */
  #chosen(present: unknown, added: unknown, dotted: string, role: RoleSchema): unknown {
    const from = this.#provenance.get(dotted);
    if (present !== undefined && from !== undefined && from.kind !== 'default' && !isDeepStrictEqual(present, added)) {
      if (from.kind === 'role') this.#object(role, dotted, `${from.via} gives it another value; set it in the inventory`);
      return present;
    }
    if (from === undefined || from.kind === 'default') this.#from(dotted, role);
    return added;
  }

  /** Where a value came from that the inventory had not given, or not all of. */
  #from(dotted: string, { name, reasons }: RoleSchema): void {
    const before = this.#provenance.get(dotted);
    const others = before === undefined || before.kind === 'default' ? '' : `${describe(before)} and `;
    const why = reasons?.(this.#host).get(dotted);
    this.#provenance.set(dotted, { kind: 'role', via: `${others}role ${name}${why === undefined ? '' : `: ${why}`}` });
  }

  /** Without the host, so that what is wrong on all of them is reported once. */
  #object({ name }: RoleSchema, dotted: string, why: string): void {
    this.#context.report.add(['rolesPath'], `role "${name}" adds to ${dotted}: ${why}`);
  }
}

/** What was added stands beside what was there of the same section. */
function bySection(provenance: ReadonlyMap<string, Provenance>): Map<string, Provenance> {
  const sectionOf = (path: string): string => path.split('.', 1)[0] ?? path;
  const sections = [...new Set([...provenance.keys()].map(sectionOf))];
  return new Map(sections.flatMap((section) => [...provenance].filter(([path]) => sectionOf(path) === section)));
}

function wordsOf(list: unknown): string[] {
  return String(list)
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '');
}

function describe({ kind, via, file, line }: Provenance): string {
  return kind === 'file' ? `${file}:${line}` : String(via);
}
