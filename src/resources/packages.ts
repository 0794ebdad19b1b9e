import { aptPackages } from './apt-packages.js';
import { dnfPackages } from './dnf-packages.js';
import type { PackagesOptions, PackagesState } from './packages-state.js';
import type { Resource } from './resource.js';

/** Packages installed with the host's package manager, under the names they have there; none of their services starts by itself. */
export function packages(manager: 'apt' | 'dnf', options: PackagesOptions): Resource<PackagesState> {
  return manager === 'apt' ? aptPackages(options) : dnfPackages(options);
}
