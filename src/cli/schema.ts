import { ExitCode } from '../lib/errors.js';
import { inventoryJsonSchema, inventoryReference } from '../model/index.js';
import { CATALOG } from '../../roles/index.js';

/** `pgprov schema`: the inventory's JSON Schema, or its reference page. */
export async function schema(options: { markdown?: boolean }): Promise<ExitCode> {
  const text =
    options.markdown === true ? inventoryReference(CATALOG) : `${JSON.stringify(inventoryJsonSchema(CATALOG), undefined, 2)}\n`;
  process.stdout.write(text);
  return ExitCode.done;
}
