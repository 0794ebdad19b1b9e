import { join } from 'node:path';
import { CHECKOUT } from '../../lab/paths.js';

/** A built program of `test/bench/programs`, so that no compiler's time is measured; test/bench.sh builds them. */
export function programFile(name: string): string {
  return join(CHECKOUT, '.lab', 'bench', `${name}.js`);
}
