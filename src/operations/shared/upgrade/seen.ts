import {
  UPGRADE_FACTS,
  UPGRADE_PLACE,
  UPGRADE_READS,
  UPGRADE_TRIAL,
  type MajorData,
  type OperationRun,
  type Transfer,
  type UpgradeFacts,
  type UpgradeNote,
  type UpgradePlace,
  type UpgradeReads,
  type UpgradeTrial,
} from '../../../index.js';
import { hostsWith } from '../../../../roles/shared/layout.js';
import type { PausesPools } from '../pause-pools.js';
import { writerOf } from '../servers.js';
import { majorsOf } from './majors.js';

/** What an upgrade is given, and has chosen. */
export interface UpgradeOptions extends PausesPools {
  /** The major version that the cluster is to have. */
  to?: number;
  transfer?: Transfer;
  /** Back to the former major. */
  undo?: boolean;
  /** The data of the former major is removed. */
  finish?: boolean;
  /** Chosen before the first step: tells this upgrade from others. */
  id?: string;
  /** Likewise: the majors. */
  older?: number;
  newer?: number;
  /** Likewise: the member whose data is upgraded. */
  member?: string;
  /** Likewise: the system identifier of the former data, and that data on every member by its `DataCopy.identity`. */
  identifier?: string;
  was?: Readonly<Record<string, string>>;
  /** Likewise: what the former cluster was made with. */
  initdb?: readonly string[];
  preload?: string;
}

/** What an upgrade decides from. */
export type UpgradeRun = OperationRun<UpgradeOptions>;

const NO_PLACE: UpgradePlace = {
  data: {},
  programs: [],
  configured: '',
  patroni: false,
  enabled: false,
  upgrading: false,
  settling: false,
  settled: [],
  failed: [],
  notes: [],
};

/** The members, all of which take part. */
export function members({ inventory }: Pick<UpgradeRun, 'inventory'>): string[] {
  return hostsWith(inventory, 'patroni').map(({ name }) => name);
}

/** What a member has of each major. */
export function placeOf({ view }: Pick<UpgradeRun, 'view'>, host: string): UpgradePlace {
  return view.read(host, UPGRADE_PLACE) ?? NO_PLACE;
}

/** What was asked of a member before anything began. */
export function factsOf({ view }: Pick<UpgradeRun, 'view'>, host: string): UpgradeFacts | undefined {
  return view.read(host, UPGRADE_FACTS);
}

/** Bytes of the data that a member has of a major, its tablespaces included. */
export function bytesOf(run: Pick<UpgradeRun, 'view'>, host: string, version = 0): number {
  const facts = factsOf(run, host);
  return (facts?.spaces[version] ?? []).reduce((total, { bytes }) => total + bytes, facts?.bytes[version] ?? 0);
}

/** What `pg_upgrade --check` said on the member whose data is upgraded; undefined where it was not asked. */
export function trialOf({ view, options: { member = '' } }: UpgradeRun): UpgradeTrial | undefined {
  const trial = view.read(member, UPGRADE_TRIAL);
  return trial?.asked === true ? trial : undefined;
}

/** What the programs of the new major on a member said of what runs there; undefined where they were not asked. */
export function readsOf({ view }: Pick<UpgradeRun, 'view'>, host: string): UpgradeReads | undefined {
  const reads = view.read(host, UPGRADE_READS);
  return reads?.asked === true ? reads : undefined;
}

/** The data that a member has of a major, in that one's place. */
export function dataOf(run: UpgradeRun, host: string, version: number | undefined): MajorData | undefined {
  return version === undefined ? undefined : placeOf(run, host).data[version];
}

/** Patroni runs on a member, or a server of one of both majors. */
export function runs(run: UpgradeRun, host: string): boolean {
  const { patroni } = placeOf(run, host);
  const { older, newer } = run.options;
  return patroni || [older, newer].some((version) => dataOf(run, host, version)?.running === true);
}

/** A member that runs, or would at a boot of its host. */
export function mayRun(run: UpgradeRun, host: string): boolean {
  return runs(run, host) || placeOf(run, host).enabled;
}

/** The major whose place for data a member's Patroni is told of; undefined where it is told of another place. */
export function configuredOn(run: UpgradeRun, host: string): number | undefined {
  const { configured } = placeOf(run, host);
  return majorsOf(run.contextOf(host)).find(({ path }) => path === configured)?.version;
}

/** pg_upgrade has made the new data, and it is in its place. */
export function isUpgraded(run: UpgradeRun): boolean {
  const { member = '', newer } = run.options;
  return dataOf(run, member, newer) !== undefined;
}

/** What a member notes of an upgrade that can be taken back. */
export function notesOf(run: UpgradeRun): UpgradeNote[] {
  return members(run).flatMap((host) => placeOf(run, host).notes);
}

/** The new server was let start, so that clients may have written there: all members note it, because any of them may be lost. */
export function isLetIn(run: UpgradeRun): boolean {
  const { id } = run.options;
  return notesOf(run).some((note) => note.id === id);
}

/** What is decided before the first step. */
export function chosenOf(run: UpgradeRun): UpgradeOptions {
  const { options, view } = run;
  const noted = notesOf(run).find(({ from, to }) => options.finish === true || (options.undo === true && from === options.to && to > from));
  if (options.undo === true || options.finish === true) return noted === undefined ? options : { ...options, ...ofNote(run, noted) };
  const { to = 0 } = options;
  const leader = writerOf(view) ?? '';
  const older = leader === '' ? undefined : configuredOn(run, leader);
  const says = factsOf(run, leader)?.says;
  return {
    ...options,
    id: new Date().toISOString().replaceAll(/[-:]|\.\d+/gu, ''),
    ...(older === undefined ? {} : { older }),
    newer: to,
    member: leader,
    identifier: placeOf(run, leader).data[older ?? 0]?.identifier ?? '',
    was: Object.fromEntries(members(run).map((host) => [host, placeOf(run, host).data[older ?? 0]?.identity ?? ''])),
    ...(says === undefined ? {} : { initdb: says.initdb, preload: says.preload }),
  };
}

/** What an earlier upgrade had chosen, as far as members note it. */
function ofNote(run: UpgradeRun, { from, to, id, member, identifier }: UpgradeNote): UpgradeOptions {
  const was = members(run).flatMap((host) => placeOf(run, host).notes.flatMap((note) => (note.id === id ? [[host, note.identity]] : [])));
  return { id, older: from, newer: to, member, identifier, was: Object.fromEntries(was) as Record<string, string> };
}
