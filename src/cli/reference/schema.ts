import { ExitCode } from '../../lib/errors.js';
import { inventoryJsonSchema, inventoryReference } from '../../model/index.js';
import { catalogFor } from '../catalog.js';

/** `pgprov schema`: the inventory's JSON Schema, or its reference page. */
export async function schema(options: { markdown?: boolean; inventory?: string }): Promise<ExitCode> {
  const catalog = await catalogFor(options.inventory);
  const text = options.markdown === true ? inventoryReference(catalog) : `${JSON.stringify(inventoryJsonSchema(catalog), undefined, 2)}\n`;
  process.stdout.write(text);
  return ExitCode.done;
}
