import { dirname, resolve } from 'node:path';
import { topMapping } from './check-structure.js';
import { SourceDocument } from './document.js';
import { InventoryError } from './problem.js';
import { readText } from './read-text.js';
import { Report } from './report.js';

/** What an inventory is about, without its sense. */
export interface InventoryIdentity {
  /** Absolute path. */
  file: string;
  dir: string;
  cluster: string;
}

/**
 * Reads only which cluster an inventory describes, so that one whose secrets are not at hand, or that was
 * broken by an edit, still leads to the cluster's journal.
 * @throws InventoryError
 */
export async function readIdentity(file: string): Promise<InventoryIdentity> {
  const document = SourceDocument.parse(file, await readText(file));
  const report = new Report(document);
  const top = topMapping(document, report);
  const cluster = top?.['cluster'];
  if (typeof cluster === 'string' && /^[a-z0-9][a-z0-9_-]*$/u.test(cluster))
    return { file: resolve(file), dir: dirname(resolve(file)), cluster };
  if (top !== undefined)
    report.add(cluster === undefined ? [] : ['cluster'], cluster === undefined ? 'cluster is missing' : 'must be the name of a cluster');
  throw new InventoryError(report.problems);
}
