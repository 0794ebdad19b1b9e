import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Handlebars } from '../lib/handlebars.js';
import { packageRoot } from '../lib/package-root.js';

const compiled = new Map<string, Handlebars.TemplateDelegate>();

/** Strict mode does not reach the arguments of helpers, so they insist themselves. */
function given(value: unknown): unknown {
  if (value === undefined) throw new TypeError('a template uses a variable that is not given');
  return value;
}

/** Characters that YAML does not take unescaped, though JSON does. */
const NOT_IN_YAML = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/gu;

/** Longer keys are keys only where a question mark announces them (YAML 1.2, 7.4.2). */
const LONGEST_KEY = 1000;

/** A YAML flow node: JSON is YAML, so nothing that a value holds can break out of it. */
function toYaml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toYaml).join(', ')}]`;
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(([key, inner]) => {
      const shown = toYaml(key);
      return `${shown.length > LONGEST_KEY ? '? ' : ''}${shown}: ${toYaml(inner)}`;
    });
    return `{${entries.join(', ')}}`;
  }
  return JSON.stringify(value).replace(NOT_IN_YAML, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

Handlebars.registerHelper('yaml', (value: unknown) => toYaml(given(value)));

/** A double-quoted value of a systemd environment file (systemd.exec(5), EnvironmentFile=). */
Handlebars.registerHelper('env', (value: unknown) => `"${String(given(value)).replace(/[\\"`$]/gu, '\\$&')}"`);

/** A value of postgresql.conf, always quoted, which PostgreSQL takes for every type of parameter. */
Handlebars.registerHelper('conf', (value: unknown) => `'${String(given(value)).replaceAll('\\', '\\\\').replaceAll("'", "''")}'`);

/**
 * Renders <name>.hbs of a directory, by default pgprov's own. Strict: a variable that is not given is an error; nothing is
 * HTML-escaped.
 */
export function renderTemplate(name: string, data: object, directory: string = join(packageRoot(), 'templates')): string {
  const path = join(directory, `${name}.hbs`);
  let template = compiled.get(path);
  if (template === undefined) {
    template = Handlebars.compile(readFileSync(path, 'utf8'), { noEscape: true, strict: true });
    compiled.set(path, template);
  }
  return template(data);
}
