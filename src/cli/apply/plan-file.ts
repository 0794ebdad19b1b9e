import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { filesOfRoles } from '../../catalog/role-files.js';
import type { PlannedChange } from '../../events.js';
import { InputError, RefusedError } from '../../lib/errors.js';
import { packageRoot } from '../../lib/package-root.js';
import { redact } from '../../lib/secret.js';
import { pgprov } from '../../lib/pgprov-command.js';
import { maskSecretOverrides, type Inventory } from '../../model/index.js';
import type { SelectionOptions } from '../../plan/selection.js';
import { writePrivate } from '../../store/files.js';
import { writing } from '../../store/writing.js';
import { catalogOf } from '../catalog.js';

/** A plan as a file keeps it: what it was made of, and what it would do. */
export interface PlanFile {
  /** Version of this format. */
  pgprov_plan: 2;
  created: string;
  /** Absolute path of the inventory. */
  inventory: string;
  /** SHA-256 of the inventory's bytes. */
  inventory_digest: string;
  /** SHA-256 of pgprov's own version, roles and templates. */
  program_digest: string;
  /** Absolute paths of the directories with roles of the user's own. */
  roles_path: readonly string[];
  /** SHA-256 of what is in them. */
  roles_digest: string;
  set: string[];
  aim: SelectionOptions;
  changes: FiledChange[];
}

/** A change without its texts; of the present one a digest is kept, so that an edit in between is noticed. */
export interface FiledChange {
  host: string;
  stage: string;
  resource: string;
  action: string;
  summary: string;
  before?: string;
}

const FORMAT = 2;

/** What a plan is made of, besides the hosts. */
export interface PlanOrigin {
  inventory: Pick<Inventory, 'file' | 'rolesPath'>;
  set: readonly string[];
  aim: SelectionOptions;
}

/**
 * Writes a plan file, readable by its owner only.
 * @throws InputError when an override in it is a secret
 */
export async function writePlanFile(path: string, origin: PlanOrigin, changes: readonly PlannedChange[]): Promise<void> {
  const masked = maskSecretOverrides(origin.set, catalogOf(origin.inventory));
  const secret = masked.find((text, index) => text !== origin.set[index]);
  if (secret !== undefined) {
    throw new InputError({
      kind: 'plan/secret-override',
      message: `a plan file holds no secrets, and --set ${secret} is one`,
      hint: 'give it in the inventory, e.g. as {env: NAME} or {file: path}',
    });
  }
  const { file: inventory, rolesPath } = origin.inventory;
  const plan: PlanFile = {
    pgprov_plan: FORMAT,
    created: new Date().toISOString(),
    inventory,
    inventory_digest: await fileDigest(inventory),
    program_digest: programDigest(),
    roles_path: rolesPath,
    roles_digest: rolesDigest(rolesPath),
    set: [...origin.set],
    aim: origin.aim,
    changes: changes.map(fileChange),
  };
  await writing(
    path,
    () => writePrivate(path, `${JSON.stringify(plan, undefined, 2)}\n`),
    'no plan was kept; nothing on any host is changed',
  );
}

/** The plan in a file, or undefined when the file is no plan but, say, an inventory. */
export async function readPlanFile(path: string): Promise<PlanFile | undefined> {
  let plan: Partial<PlanFile>;
  try {
    // A plan is a regular file; what else there is may be read only once, or never end.
    if (!(await stat(path)).isFile()) return undefined;
    plan = JSON.parse(await readFile(path, 'utf8')) as Partial<PlanFile>;
  } catch {
    return undefined;
  }
  if (plan?.pgprov_plan === undefined) return undefined;
  if (plan.pgprov_plan === FORMAT) return plan as PlanFile;
  throw new InputError({
    kind: 'plan/format',
    message: `${path} is a plan of another version of pgprov`,
    hint: `make the plan anew with ${pgprov`plan ${plan.inventory ?? 'INVENTORY'} -o ${path}`}`,
  });
}

/**
 * Insists that what a plan was made of is as it was then.
 * @throws RefusedError saying what is not
 */
export async function assertSameOrigin(plan: PlanFile): Promise<void> {
  const moved = [
    ...((await fileDigest(plan.inventory)) === plan.inventory_digest ? [] : [`the inventory ${plan.inventory}`]),
    ...(programDigest() === plan.program_digest ? [] : ['pgprov itself, or a template of it,']),
    ...(rolesDigest(plan.roles_path) === plan.roles_digest ? [] : [`a role or template in ${plan.roles_path.join(' or ')}`]),
  ];
  if (moved.length > 0) throw outdated(`${moved.join(' and ')} changed since the plan was made`);
}

/**
 * Insists that what would be done now is what the plan says.
 * @throws RefusedError naming the first differences
 */
export function assertSameChanges(planned: readonly FiledChange[], now: readonly PlannedChange[]): void {
  const key = ({ host, stage, resource, action, summary, before }: FiledChange): string =>
    JSON.stringify([host, stage, resource, action, summary, before ?? '']);
  const current = now.map(fileChange);
  const was = new Set(planned.map(key));
  const is = new Set(current.map(key));
  const differences = [
    ...current.filter((change) => !was.has(key(change))).map(({ host, summary }) => `${host}: ${summary} (not so in the plan)`),
    ...planned.filter((change) => !is.has(key(change))).map(({ host, summary }) => `${host}: ${summary} (in the plan, not so now)`),
  ];
  if (differences.length === 0) return;
  const shown = differences
    .slice(0, 8)
    .map((line) => `\n  ${line}`)
    .join('');
  const more = differences.length > 8 ? `\n  and ${differences.length - 8} more` : '';
  throw outdated(`the hosts are not as they were when the plan was made:${shown}${more}`);
}

function outdated(message: string): RefusedError {
  return new RefusedError({
    kind: 'plan/outdated',
    message,
    hint: 'nothing was changed; make the plan anew and look at it',
  });
}

/** A change as a file keeps it. */
export function fileChange({ host, stage, resource, action, summary, before }: PlannedChange): FiledChange {
  return { host, stage, resource, action, summary: redact(summary), ...(before === undefined ? {} : { before: digest(before) }) };
}

async function fileDigest(path: string): Promise<string> {
  return digest(await readFile(path).catch(() => ''));
}

/** The version alone would not tell two states of a checkout apart. */
function programDigest(): string {
  const root = packageRoot();
  const names = ['templates', 'dist'].flatMap((directory) => filesBelow(root, directory));
  const hash = createHash('sha256');
  for (const name of ['package.json', ...names])
    hash
      .update(name)
      .update('\0')
      .update(readFileSync(join(root, name)));
  return hash.digest('hex');
}

/** What packages brought is not part of it. */
function rolesDigest(directories: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of filesOfRoles(directories.filter((directory) => existsSync(directory))))
    hash.update(file).update('\0').update(readFileSync(file));
  return hash.digest('hex');
}

function filesBelow(root: string, directory: string): string[] {
  try {
    return readdirSync(join(root, directory), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.endsWith('.map'))
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
      .sort();
  } catch {
    return [];
  }
}

function digest(text: string | Buffer): string {
  return createHash('sha256').update(text).digest('hex');
}
