import { readFileSync } from 'node:fs';
import { runCluster } from '../../../src/engine/run.js';
import { loadInventory } from '../../../src/model/index.js';
import { storeDirectory, Store } from '../../../src/store/store.js';
import { SshTransport } from '../../../src/transport/ssh.js';
import { wideRole } from './wide-role.js';

// pgprov's engine with a role of its own in place of the catalog. Arguments: an inventory, and the file to copy. Prints how
// many changes were made.

const [inventoryFile, copied] = process.argv.slice(2) as [string, string];
const catalog = [wideRole(readFileSync(copied, 'utf8'))];
const inventory = await loadInventory(inventoryFile, { roles: catalog });
const outcome = await runCluster({
  inventory,
  catalog,
  selection: {},
  mode: 'apply',
  transport: new SshTransport(),
  store: await Store.open(storeDirectory(inventory.dir, inventory.cluster), inventory, { writable: true }),
  emit: () => undefined,
  signal: new AbortController().signal,
});
for (const error of outcome.errors) process.stderr.write(`${error.message}\n`);
process.stdout.write(`${outcome.proposal.changes.length} changes\n`);
process.exitCode = outcome.exitCode;
