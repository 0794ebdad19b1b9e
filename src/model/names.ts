import { dirname, resolve } from 'node:path';
import { topMapping } from './check-structure.js';
import { outlineOf } from './outline.js';
import { PathResolver } from './paths.js';
import { InventoryError } from './problem.js';
import { readDocument } from './read-document.js';
import { Report } from './report.js';
import { rolesDirectories } from './roles-path.js';

/** The names in an inventory. */
export interface InventoryNames {
  hosts: string[];
  groups: string[];
  /** Absolute paths of the directories with roles of the user's own. */
  rolesPath: string[];
}

/**
 * Reads only the names in an inventory: nothing is checked, no secret is opened.
 * @throws InventoryError when the file is no YAML with a mapping
 */
export async function readNames(file: string): Promise<InventoryNames> {
  const document = await readDocument(file);
  const report = new Report(document);
  const top = topMapping(document, report);
  if (top === undefined) throw new InventoryError(report.problems);
  const paths = new PathResolver(dirname(resolve(file)), process.env);
  const { hosts, groups } = outlineOf(document, top);
  return {
    hosts: hosts.map(({ name }) => name),
    groups: groups.map(({ name }) => name),
    rolesPath: rolesDirectories(top, (path) => paths.resolve(path)),
  };
}
