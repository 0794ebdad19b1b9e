import { SourceDocument } from './document.js';
import { foreignFile } from './foreign.js';
import { InventoryError } from './problem.js';
import { readText } from './read-text.js';

/**
 * An inventory file, parsed and not yet checked.
 * @throws InventoryError when it cannot be read, or is one of Ansible
 */
export async function readDocument(file: string): Promise<SourceDocument> {
  const text = await readText(file);
  const document = SourceDocument.parse(file, text);
  const foreign = foreignFile(file, text, document.value);
  if (foreign !== undefined) throw new InventoryError([{ ...foreign, file, path: '' }]);
  return document;
}
