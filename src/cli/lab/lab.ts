import { existsSync, readFileSync, rmSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { InputError } from '../../lib/errors.js';
import { shownPath } from '../../lib/shown-path.js';
import { systemReason } from '../../lib/system-reason.js';
import {
  DEFAULT_DCS,
  type Inventory,
  InventoryError,
  labInventory,
  loadInventory,
  relocator,
  rolesDirectories,
  SourceDocument,
} from '../../model/index.js';
import { writePrivate } from '../../store/files.js';
import { againstCatalog, loadCatalog } from '../catalog.js';
import { fetching, type Secrets } from '../fetching.js';
import { askForAddresses, chooseAddresses } from './addresses.js';
import { hostBlocks, hostNames } from './host-blocks.js';
import type { Machine, VagrantSettings } from './machine.js';
import { labFiles, recall, remember } from './memory.js';
import { PLUGIN_FILE, readPluginFacts } from './plugin-facts.js';
import { keptConfig, machinesConfig } from './ssh-config-text.js';
import { askVagrant, findProject, machineIds } from './vagrant.js';

/** Where a lab is: a directory with a Vagrantfile (`true`: the current one), or a configuration of OpenSSH. */
export type LabPlace = { vagrant: string | true } | { sshConfig: string };

/** The machines of a lab and the inventory that was made for them. */
export interface Lab {
  /** The inventory that was made. */
  file: string;
  /** Members that are up, in their order. */
  running: string[];
  /** Members that are not. */
  down: string[];
  /** What was decided that a person may want to know. */
  notes: string[];
  /**
   * Loads the inventory. What is wrong with it is told where the user wrote it, not where it was copied to.
   * @throws InventoryError
   */
  load(set: readonly string[] | undefined, secrets: Secrets): Promise<Inventory>;
}

/** What the machines are, and where things about them are kept. */
interface Found {
  directory: string;
  machines: Machine[];
  settings: VagrantSettings;
  /** Where relative paths of the settings start. */
  root: string;
  /** Machines that were made anew while others stayed. */
  anew: string[];
  /** The text of the configuration for SSH. */
  sshConfig: string;
}

/** Stand in for addresses that are yet to be asked for; reserved for documentation, so nobody's. */
const PLACEHOLDER = '192.0.2.';

/**
 * Finds the machines of a lab and makes their inventory.
 * @param inventory the user's own, which refines it; by default `inventory.yml` beside the Vagrantfile, if it is there
 * @throws InputError when there is no lab, none of its machines is running, or their addresses cannot be known
 */
export async function openLab(inventory: string | undefined, place: LabPlace, env: NodeJS.ProcessEnv = process.env): Promise<Lab> {
  const found = 'vagrant' in place ? await findVagrant(place.vagrant === true ? '.' : place.vagrant, env) : findConfigured(place.sshConfig);
  const { directory, machines, settings } = found;
  const files = labFiles(directory);
  await mkdir(directory, { recursive: true });
  await writePrivate(files.sshConfig, found.sshConfig);
  const refinement = readRefinement(inventory ?? usualInventory(found, 'vagrant' in place));

  const fromRefinement = (path: string): string => absolute(path, dirname(resolve(refinement?.file ?? '.')), env);
  const roles = await loadCatalog(rolesDirectories((refinement?.value ?? {}) as object as Record<string, unknown>, fromRefinement));
  const make = (known: readonly Machine[]): Record<string, unknown> =>
    labInventory({
      machines: known.map(({ name, address }) => ({ name, clusterAddress: address })),
      sshConfig: 'ssh-config',
      ...leaderOf(known),
      ...(refinement === undefined ? {} : { refinement }),
      ...(settings.groups === undefined ? {} : { groups: settings.groups }),
      ...(settings.hostVars === undefined ? {} : { hostVars: settings.hostVars }),
      roles,
      resolve: {
        refinement: fromRefinement,
        vagrantfile: (path) => absolute(path, found.root, env),
      },
    });
  const candidates = machines.filter(({ id, running, address }) => id !== undefined || running || address !== undefined);
  const known = await withAddresses(candidates, make, directory, refinement);
  const data = make(known);
  const text = inventoryText(data, refinement);
  await writePrivate(files.inventory, text);
  await remember(directory, known);

  const members = Object.keys(data['hosts'] as object);
  const running = members.filter((name) => known.some((machine) => machine.name === name && machine.running));
  const left = machines.filter((machine) => !candidates.includes(machine)).map(({ name }) => name);
  return {
    file: files.inventory,
    running,
    down: members.filter((name) => !running.includes(name)),
    notes: [
      ...left.map((name) => `${name} does not exist yet, and its address is not known; left out of the cluster`),
      ...found.anew.map(
        (name) =>
          `${name} was made anew, and others were not; if it was a member of ${DEFAULT_DCS}, it cannot take its place again: destroy the whole lab`,
      ),
    ],
    load: (set, secrets) => loadRelocated(files.inventory, text, refinement, set, secrets),
  };
}

async function findVagrant(directory: string, env: NodeJS.ProcessEnv): Promise<Found> {
  const project = findProject(directory, env);
  const ids = machineIds(project);
  const lab = join(project.data, 'provisioners', 'pgprov');
  const { machines: told, settings } = readPluginFacts(join(lab, PLUGIN_FILE), ids);
  const { machines, anew } = await recall(lab, told ?? (ids.size === 0 ? [] : await askVagrant(project)));
  if (!machines.some(({ running }) => running)) {
    throw new InputError({
      kind: 'vagrant/none-running',
      message: `no machine of ${project.root} is running`,
      hint: 'start them with `vagrant up`',
    });
  }
  return { directory: lab, machines, anew, settings, root: project.root, sshConfig: machinesConfig(machines, labFiles(lab).knownHosts) };
}

function findConfigured(written: string): Found {
  const file = resolve(written);
  if (!existsSync(file)) {
    throw new InputError({
      kind: 'lab/no-ssh-config',
      message: `--ssh-config ${written}: there is no such file`,
      hint: 'make it with `vagrant ssh-config > FILE`',
    });
  }
  const text = readFileSync(file, 'utf8');
  const names = hostNames(text);
  if (names.length === 0) {
    throw new InputError({
      kind: 'lab/no-hosts',
      message: `--ssh-config ${written}: no \`Host\` line in it names a host`,
      hint: 'a pattern such as `Host *` names none',
    });
  }
  const directory = `${file}.pgprov`;
  return {
    directory,
    machines: names.map((name) => ({ name, running: true })),
    anew: [],
    settings: {},
    root: dirname(file),
    sshConfig: keptConfig(file, hostBlocks(text), labFiles(directory).knownHosts),
  };
}

function usualInventory({ root, settings }: Found, isVagrant: boolean): string | undefined {
  if (settings.inventory === false || !isVagrant) return undefined;
  if (settings.inventory !== undefined) return shownPath(settings.inventory);
  const usual = join(root, 'inventory.yml');
  return existsSync(usual) ? shownPath(usual) : undefined;
}

function readRefinement(file: string | undefined): SourceDocument | undefined {
  if (file === undefined) return undefined;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new InventoryError(
      [{ file, path: '', message: code === 'ENOENT' ? 'there is no such file' : `cannot be read: ${systemReason(cause)}` }],
      cause,
    );
  }
  const document = SourceDocument.parse(file, text);
  if (document.problems.length > 0) throw new InventoryError(document.problems);
  const { value } = document;
  if (value !== null && (typeof value !== 'object' || Array.isArray(value))) {
    throw new InventoryError([{ file, path: '', line: 1, column: 1, message: 'must hold a mapping at the top level' }]);
  }
  return document;
}

/** The first machine leads, or the first that runs: the others may come later. */
function leaderOf(machines: readonly Machine[]): { leader?: string } {
  const [first] = machines;
  const running = machines.find((machine) => machine.running);
  return first?.running === false && running !== undefined ? { leader: running.name } : {};
}

/** The machines with all addresses that the inventory does not give itself, those that run being asked for theirs. */
async function withAddresses(
  machines: readonly Machine[],
  make: (known: readonly Machine[]) => Record<string, unknown>,
  directory: string,
  refinement: SourceDocument | undefined,
): Promise<Machine[]> {
  const hosts = make(machines)['hosts'] as Record<string, { cluster_address?: string }>;
  const lacking = machines.filter(({ name }) => hosts[name] !== undefined && hosts[name].cluster_address === undefined);
  const silent = lacking.find(({ running }) => !running);
  if (silent !== undefined) {
    throw new InputError({
      kind: 'lab/no-address',
      message: `${silent.name} is not running, and its address in the cluster was never seen`,
      hint: 'start it with `vagrant up`, or give it a cluster_address in an inventory',
    });
  }
  if (lacking.length === 0) return [...machines];
  const draft = join(directory, 'draft.yml');
  const text = inventoryText(
    make(machines.map((machine, index) => ({ ...machine, address: machine.address ?? `${PLACEHOLDER}${index + 1}` }))),
    refinement,
  );
  await writePrivate(draft, text);
  try {
    const inventory = await loadRelocated(draft, text, refinement, undefined, 'fetch');
    const running = inventory.hosts.filter(({ name }) => machines.some((machine) => machine.name === name && machine.running));
    const hints = inventory.hosts.map(({ clusterAddress }) => clusterAddress).filter((address) => !address.startsWith(PLACEHOLDER));
    const chosen = chooseAddresses(await askForAddresses(running), hints);
    return machines.map((machine) => {
      const address = machine.address ?? chosen.get(machine.name);
      return address === undefined ? machine : { ...machine, address };
    });
  } finally {
    rmSync(draft, { force: true });
  }
}

function inventoryText(data: Record<string, unknown>, refinement: SourceDocument | undefined): string {
  const from = refinement === undefined ? '' : ` and ${resolve(refinement.file)}`;
  return `# Made by pgprov from the lab's machines${from}.
# It is written anew by every command with --vagrant or --ssh-config; a copy of it is an inventory like any other.
${stringify(data, { lineWidth: 0, aliasDuplicateObjects: false })}`;
}

async function loadRelocated(
  file: string,
  text: string,
  refinement: SourceDocument | undefined,
  set: readonly string[] | undefined,
  secrets: Secrets,
): Promise<Inventory> {
  const commandDirectory = refinement === undefined ? {} : { commandDirectory: dirname(resolve(refinement.file)) };
  const shown = shownPath(file);
  const relocate =
    refinement === undefined ? <Place>(place: Place): Place => place : relocator(SourceDocument.parse(shown, text), refinement);
  try {
    const inventory = await loadInventory(shown, { ...againstCatalog(set), ...fetching(secrets), ...commandDirectory });
    return {
      ...inventory,
      warnings: inventory.warnings.map(relocate),
      hosts: inventory.hosts.map((host) => ({
        ...host,
        provenance: new Map([...host.provenance].map(([path, from]) => [path, relocate(from)])),
      })),
    };
  } catch (error) {
    throw error instanceof InventoryError ? new InventoryError(error.problems.map(relocate), error) : error;
  }
}

function absolute(path: string, directory: string, env: NodeJS.ProcessEnv): string {
  return resolve(
    directory,
    path.replace(/^~(?=\/|$)/u, () => env['HOME'] ?? '~'),
  );
}
