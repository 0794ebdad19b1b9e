import { enumerate, type Aim, type Host, type OperationStep } from '../../../index.js';
import type { UpgradeRun } from './seen.js';

/** All that the inventory says holds with the major that runs now. */
export function conformStep(run: UpgradeRun): OperationStep[] {
  if (run.done.has('conform')) return [];
  const roles = run.catalog.filter(({ name }) => run.inventory.hosts.some((host) => host.roles.includes(name))).map(({ name }) => name);
  return [
    {
      id: 'conform',
      title: `bring ${run.inventory.cluster} to what its inventory says, as apply does, and prove it`,
      converge: { roles, proves: true },
    },
  ];
}

/** The inventory says the major that runs now, where pgprov can write it there. */
export function inventoryStep(run: UpgradeRun, version: number): OperationStep[] {
  const { written, inventory, done } = run;
  if (written === undefined || !written.takes || isSaid(run, version) || done.has('inventory')) return [];
  return [
    {
      id: 'inventory',
      title: `write postgresql.version: ${version} into ${inventory.file}`,
      atDesk: (desk) => desk.write([versionAim(version)]),
    },
  ];
}

/** The inventory says that major of every host, whether or not this command has it say so. */
export function isSaid({ written }: Pick<UpgradeRun, 'written'>, version: number): boolean {
  return written === undefined || saysOf(written.hosts).every((said) => said === version);
}

/** The majors that hosts have by the inventory as it is written. */
export function saidWords({ written }: Pick<UpgradeRun, 'written'>): string {
  return enumerate([...new Set(saysOf(written?.hosts ?? []))].map(String));
}

/** Where an inventory says the major. */
export function versionAim(value: number): Aim {
  return { path: ['postgresql', 'version'], value };
}

function saysOf(hosts: readonly Host[]): unknown[] {
  return hosts.flatMap(({ vars }) => (vars['postgresql'] === undefined ? [] : [vars['postgresql']['version']]));
}
