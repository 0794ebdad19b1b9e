import type { Platform, ServiceLayout } from '../../index.js';

/** Where the services of a platform are that have certificates, whichever they are. */
export function serviceLayouts(platform: Platform): ServiceLayout[] {
  return Object.values(platform).filter(isServiceLayout);
}

function isServiceLayout(value: unknown): value is ServiceLayout {
  return typeof value === 'object' && value !== null && 'tlsDirectory' in value && 'packages' in value;
}
