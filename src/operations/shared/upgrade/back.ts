import {
  command,
  dataAside,
  enumerate,
  sh,
  spacesBack,
  upgradeForgotten,
  UPGRADING_UNIT,
  type HostStep,
  type Resource,
} from '../../../index.js';
import { restApiUrl } from '../../../../roles/shared/layout.js';
import { memberGate } from '../../../../roles/shared/patroni/start.js';
import { patroniStarts } from '../patroni-starts.js';
import { streamingGate } from '../streaming-gate.js';
import { storeOf } from '../members.js';
import { lateWhy, writerOf } from '../servers.js';
import { stopped } from '../stopped.js';
import { backupsConfigured, firstBackup, releaseBackups, stanzaFollows } from './backups.js';
import { storeStep, writeStep } from './forward.js';
import { contextAt, majorOf } from './majors.js';
import { configuredOn, dataOf, isLetIn, members, notesOf, placeOf, runs, type UpgradeRun } from './seen.js';

/** What the upgrade has made goes aside, and the former servers run again: the upgraded member first, which has their last commits. */
export function backSteps(run: UpgradeRun): HostStep[] {
  const { older = 0, member = '', id = '' } = run.options;
  const all = members(run);
  const back = { ...run, options: { ...run.options, undo: true } };
  const isMade = (host: string): boolean => dataOf(run, host, run.options.newer) !== undefined;
  const isDown = (host: string): boolean => dataOf(run, host, older)?.running !== true || !placeOf(run, host).enabled;
  const isGone = all.some((host) => isMade(host) || configuredOn(run, host) !== older || isDown(host));
  const forget: HostStep[] = notesOf(run).some((note) => note.id === id)
    ? [
        {
          id: 'forget',
          title: `have ${enumerate(all)} forget the upgrade`,
          on: all,
          resources: () => [upgradeForgotten({ from: older, to: run.options.newer ?? 0, id })],
        },
      ]
    : [];
  const backups = [...firstBackup(back), ...releaseBackups(run)];
  if (!isGone) return [...backupsConfigured(run, older), ...stanzaFollows(back), ...followSteps(run), ...backups, ...forget];
  return [
    ...breakOff(run),
    ...stopNewer(run),
    ...aside(run, all.filter(isMade)),
    ...spaces(run),
    ...configBack(run, all),
    ...storeBack(run),
    ...startFirst(run, isDown(member)),
    ...stanzaFollows(back),
    ...startOthers(
      run,
      all.filter((host) => host !== member && isDown(host)),
    ),
    ...backups,
    ...forget,
  ];
}

/** pg_upgrade works no further. */
function breakOff(run: UpgradeRun): HostStep[] {
  const { member = '' } = run.options;
  if (!placeOf(run, member).upgrading) return [];
  return [
    {
      id: 'break-off',
      title: `end pg_upgrade on ${member}`,
      on: [member],
      resources: () => [
        command({
          name: 'upgrade-ended',
          summary: `stop ${UPGRADING_UNIT}`,
          unless: sh`! systemctl -q is-active ${UPGRADING_UNIT}`,
          run: sh`systemctl stop ${UPGRADING_UNIT}`,
        }) as Resource,
      ],
    },
  ];
}

/** Members whose Patroni runs the new major, or waits for its data, the leader last. */
function stopNewer(run: UpgradeRun): HostStep[] {
  const { older, newer = 0 } = run.options;
  const up = members(run).filter(
    (host) => runs(run, host) && (configuredOn(run, host) !== older || dataOf(run, host, newer)?.running === true),
  );
  const leader = writerOf(run.view);
  const standbys = up.filter((host) => host !== leader);
  const step = (id: string, hosts: readonly string[], what: string): HostStep[] =>
    hosts.length === 0
      ? []
      : [
          {
            id,
            title: `stop Patroni and PostgreSQL ${newer} on ${enumerate(hosts)}${what}`,
            effect: 'connections are cut',
            on: hosts,
            resources: (context) => [stopped(contextAt(context, newer), true) as Resource],
          },
        ];
  return [
    ...step('stop-newer', standbys, ''),
    ...step('stop-newer-leader', leader === undefined ? [] : up.filter((host) => host === leader), ', the leader'),
  ];
}

/** Data of the new major is kept, and may be looked at. */
function aside(run: UpgradeRun, hosts: readonly string[]): HostStep[] {
  const { newer = 0 } = run.options;
  if (hosts.length === 0) return [];
  return [
    {
      id: 'aside',
      title: `put the data of PostgreSQL ${newer} on ${enumerate(hosts)} aside`,
      effect: 'it is renamed and kept',
      on: hosts,
      resources: (context) => {
        const { path, server } = majorOf(context, newer);
        const { user: owner, group, unit } = context.platform.patroni;
        return [
          dataAside({
            path,
            ownership: { owner, group, mode: '0700' },
            unit,
            url: restApiUrl(context.host),
            binDirectory: server.binDirectory,
            identity: dataOf(run, context.host.name, newer)?.identity ?? '',
            movesTablespaces: true,
          }) as Resource,
        ];
      },
    },
  ];
}

/** The former data has its tablespaces where they were. */
function spaces(run: UpgradeRun): HostStep[] {
  const { older = 0, was = {} } = run.options;
  const spread = members(run).filter((host) => dataOf(run, host, older)?.spread === true);
  if (spread.length === 0) return [];
  return [
    {
      id: 'tablespaces',
      title: `bring the tablespaces of PostgreSQL ${older} on ${enumerate(spread)} back to their directories`,
      on: spread,
      resources: (context) => [spacesBack(majorOf(context, older).path, was[context.host.name] ?? '') as Resource],
    },
  ];
}

function configBack(run: UpgradeRun, all: readonly string[]): HostStep[] {
  const { older = 0 } = run.options;
  const others = all.filter((host) => configuredOn(run, host) !== older);
  return [...(others.length === 0 ? [] : [writeStep(others, older) as HostStep]), ...backupsConfigured(run, older)];
}

function storeBack(run: UpgradeRun): HostStep[] {
  const { view, options } = run;
  const isLed = writerOf(view) !== undefined && !isLetIn(run);
  const isKnown = storeOf(view)?.initialize === options.identifier;
  return isLed || isKnown ? [] : (storeStep({ ...run, options: { ...options, undo: true } }, options.identifier ?? '') as HostStep[]);
}

function startFirst(run: UpgradeRun, isDown: boolean): HostStep[] {
  const { older = 0, newer = 0, member = '' } = run.options;
  if (!isDown) return [];
  return [
    {
      id: 'start-first',
      title: `start Patroni with PostgreSQL ${older} on ${member}, which has its last commits, and wait until it leads`,
      ...(isLetIn(run) ? { effect: lostBy(older, newer) } : {}),
      on: [member],
      resources: (context) => [patroniStarts(context)],
      gates: (context) => [memberGate(contextAt(context, older))],
    },
  ];
}

/** What going back costs once clients have been let in to the new version. */
export function lostBy(older: number, newer: number): string {
  return `what was written since PostgreSQL ${newer} was started is lost to ${older}; it stays in the data that is put aside`;
}

function startOthers(run: UpgradeRun, hosts: readonly string[]): HostStep[] {
  const { older = 0, member = '' } = run.options;
  if (hosts.length === 0) return [];
  return [
    {
      id: 'start-others',
      title: `start Patroni on ${enumerate(hosts)}, and wait until ${hosts.length === 1 ? 'it streams' : 'they stream'} from ${member}`,
      on: hosts,
      resources: (context) => [patroniStarts(context)],
      gates: (context) => [memberGate(contextAt(context, older))],
    },
  ];
}

/** Patroni lists a standby a moment after it streams. */
function followSteps(run: UpgradeRun): HostStep[] {
  const { view, done } = run;
  const leader = writerOf(view);
  if (leader === undefined || done.has('follow-back')) return [];
  const late = members(run).filter((host) => host !== leader && lateWhy(view, leader, host) !== undefined);
  if (late.length === 0) return [];
  return [
    {
      id: 'follow-back',
      title: `wait until ${leader} lists ${enumerate(late)} as streaming on its timeline`,
      on: [leader],
      gates: (context) => [streamingGate(context, late)],
    },
  ];
}
