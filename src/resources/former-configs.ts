import type { JsonObject } from './dynamic-config.js';
import { handle } from './handle.js';

/** The dynamic configurations that the store had before the present one, as far as it remembers them, the newest first. */
export const FORMER_CONFIGS = handle<readonly JsonObject[]>('former-configs');
