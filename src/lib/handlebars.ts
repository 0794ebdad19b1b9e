import { createRequire } from 'node:module';
import type HandlebarsModule from 'handlebars';

/** Handlebars by its CommonJS entry, for the ESM default import also registers a require hook for .hbs files. */
export const Handlebars = createRequire(import.meta.url)('handlebars') as typeof HandlebarsModule;
