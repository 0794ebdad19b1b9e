import { vi } from 'vitest';

// A worker runs many files. What one of them leaves in a module, such as a secret that is masked from then on, must not be there for the
// next one.
vi.resetModules();
