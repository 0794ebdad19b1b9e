import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Handlebars } from '../../lib/handlebars.js';
import { packageRoot } from '../../lib/package-root.js';

const EXTENSION = '.hbs';

/**
 * Reads templates/report and gives what renders its `page`. Every value is escaped, and one that is not given is an
 * error. The page allows itself nothing but its own style sheet, which its policy knows by a digest.
 */
export function loadPage(): (view: object) => string {
  const directory = join(packageRoot(), 'templates', 'report');
  const read = (name: string): string => readFileSync(join(directory, name), 'utf8');
  const html = Handlebars.create();
  for (const name of readdirSync(directory).filter((file) => file.endsWith(EXTENSION))) {
    html.registerPartial(name.slice(0, -EXTENSION.length), read(name));
  }
  const style = read('style.css');
  const styleDigest = createHash('sha256').update(style).digest('base64');
  const page = html.compile('{{> page}}', { strict: true, preventIndent: true });
  return (view) => page({ ...view, style, styleDigest });
}
