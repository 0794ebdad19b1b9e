/**
 * The first half of `npm run build`: bundles the command line and the public API into dist/, for loading some four hundred
 * small files takes longer than all else that a command does before it connects. Both share their chunks, so that a
 * role of a user's and pgprov have the same classes. ajv's checks of inventories are made here as well, once for all runs.
 * With arguments, a directory and programs, it bundles those in the same way; the benchmark does so.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build, transform } from 'esbuild';

/** CommonJS packages in an ES module miss these. */
const COMMON_JS = `import { createRequire as pgprovRequire } from 'node:module';
import { dirname as pgprovDirname } from 'node:path';
import { fileURLToPath as pgprovPath } from 'node:url';
const require = pgprovRequire(import.meta.url);
const __filename = pgprovPath(import.meta.url);
const __dirname = pgprovDirname(__filename);`;

/** How everything that Node.js runs is bundled; @type {import('esbuild').BuildOptions} */
const OPTIONS = {
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: true,
  banner: { js: COMMON_JS },
  // Native helpers that ssh2 does without where they were not built.
  external: ['cpu-features', '*.node'],
  metafile: true,
};

/** Puts what ajv makes of the inventory's schemas in the place of the module that has none. */
const COMPILED_CHECKS = {
  name: 'compiled-checks',
  setup({ onLoad }) {
    onLoad({ filter: /src\/model\/compiled-checks\.ts$/ }, async () => ({ contents: await compiledChecks(), resolveDir: process.cwd() }));
  },
};

/** Puts what the command line has to know of the operations in the place of the module that loads all of them. */
const OPERATION_HEADS = {
  name: 'operation-heads',
  setup({ onLoad }) {
    onLoad({ filter: /src\/cli\/operations\/heads\.ts$/ }, async () => {
      const { HEADS } = await evaluated("export { HEADS } from './src/cli/operations/heads.ts';");
      return { contents: `export const HEADS = ${JSON.stringify(HEADS)};` };
    });
  },
};

const PLUGINS = [COMPILED_CHECKS, OPERATION_HEADS];

/** The command line, what roles of a user's import, and what Node.js loads into a thread of its own for them. */
const ENTRY_POINTS = Object.fromEntries(['src/cli/main', 'src/index', 'src/catalog/module-hooks'].map((name) => [name, `${name}.ts`]));

const [outdir, ...programs] = process.argv.slice(2);
if (outdir !== undefined) {
  await build({ ...OPTIONS, plugins: PLUGINS, outdir, entryPoints: programs });
} else {
  rmSync('dist', { recursive: true, force: true });
  const { metafile } = await build({ ...OPTIONS, plugins: PLUGINS, outdir: 'dist', entryPoints: ENTRY_POINTS });
  writeFileSync('dist/licenses.txt', licenses(Object.keys(metafile.inputs)));
}

/** The module's text, by a program that is bundled for it. */
async function compiledChecks() {
  const { compileChecks, CATALOG } = await evaluated(
    "export { compileChecks } from './src/model/compile-checks.ts'; export { CATALOG } from './roles/index.ts';",
  );
  return (await transform(await compileChecks(CATALOG), { minify: true })).code;
}

/** What a module with these exports gives, bundled as it is written. */
async function evaluated(contents) {
  const directory = mkdtempSync(join(tmpdir(), 'pgprov-build-'));
  try {
    const outfile = join(directory, 'evaluated.mjs');
    await build({ ...OPTIONS, splitting: false, stdin: { contents, resolveDir: process.cwd() }, outfile });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** The licences of the packages that files are of, which have to go with copies of them. */
function licenses(files) {
  const roots = [...new Set(files.map((file) => packageOf(file)).filter((root) => root !== undefined))].sort();
  return roots
    .map((root) => {
      const { name, version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
      const texts = readdirSync(root)
        .filter((entry) => /^(?:licen[cs]e|notice|copying)/iu.test(entry))
        .map((entry) => readFileSync(join(root, entry), 'utf8').trim());
      return `${name} ${version} (${license})\n\n${texts.join('\n\n')}\n`;
    })
    .join(`\n${'-'.repeat(80)}\n\n`);
}

/** The directory of the package in node_modules that a file is of; undefined for pgprov's own. */
function packageOf(file) {
  if (!file.includes('node_modules/')) return undefined;
  let at = dirname(file);
  while (!existsSync(join(at, 'package.json')) || JSON.parse(readFileSync(join(at, 'package.json'), 'utf8')).name === undefined)
    at = dirname(at);
  return at;
}
