import type { Checker, Places } from './checker.js';
import type { SourceDocument } from './document.js';
import { isMapping, own, withoutNulls, withoutOwnNulls } from './mapping.js';
import type { Mapping, Path } from './mapping.js';
import type { Outline } from './outline.js';
import type { Report } from './report.js';
import type { VariableSchema } from './role-schema.js';
import type { InventorySchemas } from './schema.js';

/** Reports every key and value of the file that does not meet its schema. */
export function checkStructure(outline: Outline, schemas: InventorySchemas, checker: Checker, report: Report): void {
  const check = (schema: VariableSchema, value: unknown, base: Path): void => {
    for (const { path, at, message, hint } of checker.check(schema, value)) {
      report.add([...base, ...path], message, { at, hint });
    }
  };
  const checkSections = (settings: Mapping, base: Path): void => {
    for (const [name, schema] of schemas.sections) {
      const section = own(settings, name);
      if (isMapping(section)) check(schema, withoutNulls(section), [...base, name]);
    }
  };
  check(schemas.top, withoutOwnNulls(outline.top.settings), []);
  checkSections(outline.top.settings, []);
  checkParts(outline, 'hosts', 'a mapping of settings, or an address', report);
  checkParts(outline, 'groups', 'a mapping of settings', report);
  for (const { settings, path } of outline.groups) {
    check(schemas.group, withoutOwnNulls(settings), path);
    checkSections(settings, path);
  }
  for (const { name, settings, path } of outline.hosts) {
    const written = own(own(outline.top.settings, 'hosts') as Mapping, name);
    if (isSettings(written)) check(schemas.host, withoutOwnNulls(settings), path);
    checkSections(settings, path);
  }
}

/** A host or group that is not even a mapping. */
function checkParts(outline: Outline, key: 'hosts' | 'groups', expected: string, report: Report): void {
  const parts = own(outline.top.settings, key);
  if (!isMapping(parts)) return;
  for (const [name, value] of Object.entries(parts)) {
    if (isSettings(value) && (key === 'hosts' || typeof value !== 'string')) continue;
    const shown = Array.isArray(value) ? 'a list' : JSON.stringify(value);
    report.add([key, name], `must be ${expected}, not ${shown}`);
  }
}

/** Whether a host can be read from the value. */
function isSettings(value: unknown): boolean {
  return value === null || typeof value === 'string' || isMapping(value);
}

/** Where each key of an inventory is valid, for hints about a key that stands in the wrong place. */
export function placesOf(schemas: InventorySchemas): Places {
  const places = new Map<string, string[]>();
  const visit = (schema: VariableSchema | undefined, place: string, prefix: string): void => {
    for (const [key, child] of Object.entries(schema?.properties ?? {})) {
      const known = places.get(key);
      if (known === undefined) places.set(key, [place]);
      else if (!known.includes(place)) known.push(place);
      visit(child, `under ${prefix}${key}`, `${prefix}${key}.`);
    }
  };
  visit(schemas.top, 'at the top level', '');
  visit(schemas.group, 'under groups.<name>', 'groups.<name>.');
  visit(schemas.host, 'under hosts.<name>', 'hosts.<name>.');
  for (const [name, section] of schemas.sections) visit(section, `under ${name}`, `${name}.`);
  return places;
}

/** Reports syntax problems and data that no schema can be applied to; returns the top mapping if there is one. */
export function topMapping(document: SourceDocument, report: Report): Mapping | undefined {
  report.problems.push(...document.problems);
  if (isMapping(document.value)) return document.value;
  if (report.problems.length > 0) return undefined;
  const hint = 'start with "cluster: NAME" and "hosts:"; inventory/minimal.yml of pgprov shows the least there is';
  if (document.value === null || document.value === undefined) report.add([], 'the file is empty', { hint });
  else report.add([], `must hold a mapping at the top level, not ${Array.isArray(document.value) ? 'a list' : 'a plain value'}`, { hint });
  return undefined;
}
