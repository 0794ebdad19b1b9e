import { ensureLab, ensurePackages, type System, SYSTEM_NAMES } from '../lab/index.js';
import { MATRIX } from '../support/depth.js';

/**
 * `tsx test/runner/images.ts SYSTEM… [packages]` builds the images of systems, and of hosts with packages, beside the unit tests; ends when
 * who started it does.
 */
const systems = SYSTEM_NAMES.filter((name: System) => process.argv.includes(name));

// Its standard input is a pipe from the run, which closes however that ends; the builds are programs of this one's process group.
process.stdin.on('end', () => process.kill(-process.pid, 'SIGTERM')).resume();

try {
  await ensureLab(systems);
  // Outside of the matrix hosts of one system begin with packages; one file on another asks for them where it has its turn.
  if (process.argv.includes('packages')) for (const system of MATRIX ? systems : systems.slice(0, 1)) await ensurePackages(system);
  process.exit(0);
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error));
  process.exit(1);
}
