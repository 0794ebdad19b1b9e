import { enumerate, pgprov, streamsTo, topologyOf, unknownName, type OperationObjection, type OperationStart } from '../../../index.js';
import { dcsOf } from '../../../../roles/shared/dcs-of.js';
import { hostsWith } from '../../../../roles/shared/layout.js';
import { quorumOf } from '../../../../roles/shared/quorum.js';
import { isSynchronous } from '../../../../roles/shared/synchronous.js';
import { cannotLead } from '../handing-over.js';
import { answerOf, dynamicOf, leaderOf, listedLeader, notStreamingWhy, unfit } from '../members.js';
import { untilLed, untilUp } from '../passing.js';
import { busyObjection, maintenanceObjection, quorumObjection } from '../quiet-cluster.js';
import { fenceObjections } from './fence.js';
import type { LeavingOptions, LeavingRun as Run } from './options.js';
import { isOver } from './over.js';
import {
  absentInStore,
  answeredFrom,
  hasBegun,
  hasData,
  isInPatroni,
  isInPlace,
  isInStore,
  keyOf,
  leaderThen,
  leavingHost,
  nameOf,
  stayingHosts,
  stayingInStore,
  stayingMembers,
} from './seen.js';

/** What speaks against it before any host is connected to. */
export function leavingProblems(start: OperationStart<LeavingOptions>): OperationObjection[] {
  const { inventory, options } = start;
  const { host: name } = options;
  const members = hostsWith(inventory, 'patroni').map((each) => each.name);
  const all = inventory.hosts.map((each) => each.name);
  const input = (message: string, hint: string): OperationObjection[] => [{ kind: 'input', error: 'remove/host', message, hint }];
  if (name === undefined || name === '') return input('which host is to go?', `give it with --host: ${enumerate(all)}`);
  if (members.length === 0)
    return input(
      `${inventory.cluster} has no member that Patroni runs, so no host could be taken out of it`,
      'a server that stands alone is stopped and left, or its data kept, by hand',
    );
  const { name: store, leaving, role } = dcsOf(inventory);
  if (leaving === undefined)
    return input(
      `no host is taken out of a cluster that is kept in ${store}`,
      `nothing was done; stop Patroni and ${store} there by hand (\`systemctl disable --now patroni\`, then let its agent leave), and take it out of the inventory`,
    );
  const host = leavingHost(start);
  if (host === undefined) return [];
  const refuse = (message: string, hint: string): OperationObjection[] => [{ kind: 'refuse', message, hint }];
  if (topologyOf(host) === 'patroni' && stayingMembers(start).length === 0)
    return refuse(
      `${name} is the only member of ${inventory.cluster}: without it there would be none`,
      'add another one first, or stop this one by hand',
    );
  if (host.roles.includes(role) && stayingInStore(start).length === 0)
    return refuse(`${name} is the only member of ${store}: without it Patroni could not go on`, `give another host the role ${role} first`);
  if (host.roles.includes('backup-repository'))
    return refuse(
      `${name} has the repository of the backups, which would go with it`,
      'give another host the role backup-repository, and take a backup there first',
    );
  return [];
}

/** Why a host must not be taken out, or not now. The first says it. */
export function leavingObjections(run: Run): OperationObjection[] {
  if (isOver(run)) return unknown(run);
  const away = stayingHosts(run).filter(({ name }) => !run.view.surveyed(name));
  if (away.length > 0)
    return [
      outOfReach(
        run,
        away.map(({ name }) => name),
      ),
    ];
  return [
    ...newMachine(run),
    ...alive(run),
    ...ledByAbsent(run),
    ...besidesAbsent(run),
    ...unled(run),
    ...handsOver(run),
    ...lastSynchronous(run),
    ...untold(run),
    ...quorum(run),
    ...fenceObjections(run),
  ].slice(0, 1);
}

function refuse(message: string, hint: string): OperationObjection[] {
  return [{ kind: 'refuse', message, hint }];
}

/** A name that neither the inventory nor the cluster has. */
function unknown(run: Run): OperationObjection[] {
  const { inventory } = run;
  const name = nameOf(run);
  if (leavingHost(run) !== undefined) return [];
  const known = inventory.hosts.map((host) => host.name);
  return [{ kind: 'input', error: 'aim/unknown-host', ...unknownName('host', name, known) }];
}

/** What the others have of it could not be taken away there. */
function outOfReach(run: Run, names: readonly string[]): OperationObjection {
  const it = names.length === 1 ? 'it' : 'them';
  return {
    kind: 'unreachable',
    message: `${enumerate(names)} cannot be reached, and ${nameOf(run)} has to be taken out of what ${it === 'it' ? 'it has' : 'they have'}, too`,
    hint: `${hasBegun(run) ? 'nothing more was changed' : 'nothing was changed'}; bring ${it} back first (${pgprov`ping ${run.inventory}`}); where ${it === 'it' ? 'it is' : 'they are'} gone for good, too, write \`absent: true\` below ${enumerate([...names, nameOf(run)])} in the inventory, and take one out after the other`,
  };
}

/** Who takes its place must be there, and empty: what it has may be the only copy of something. */
function newMachine(run: Run): OperationObjection[] {
  const { view, inventory, options } = run;
  const { by } = options;
  const name = nameOf(run);
  if (by === undefined) return [];
  if (!view.surveyed(by))
    return [
      {
        kind: 'unreachable',
        message: `${by} cannot be reached, which is to take the place of ${isInPlace(run) ? 'the former machine' : name}`,
        hint: `nothing was changed; give its address in the inventory, and see that it answers: ${pgprov`ping ${inventory}`}`,
      },
    ];
  if (hasBegun(run) || !hasData(run, by)) return [];
  return refuse(
    `${by} has data already, so it is no new machine`,
    isInPlace(run)
      ? `if that is ${name} itself, come back, nothing needs to be replaced: see ${pgprov`status ${inventory}`}; data that nobody needs is to be moved aside there first`
      : 'if it is a member already, or has been one, take that out first; data that nobody needs is to be moved aside there',
  );
}

/** A host that is out of reach, and one of which nobody knows where it is, must be dead, and a person has to say so. */
function alive(run: Run): OperationObjection[] {
  const { view, inventory, options } = run;
  const name = nameOf(run);
  const host = leavingHost(run);
  if (isInPlace(run)) return formerMachine(run);
  if (host !== undefined && view.surveyed(name))
    return options.dead === true && !hasBegun(run)
      ? refuse(`${name} answers, so it is not dead`, 'leave out --dead: it is then stopped before it is taken out')
      : [];
  const sign = signOfLife(run);
  if (sign !== undefined) {
    const mend =
      host === undefined
        ? `put ${name} back into the inventory, with \`absent: true\`, so that pgprov can stop it; then run this again`
        : hasBegun(run)
          ? `give the same command again once ${name} answers (${pgprov`ping ${inventory}`}): it is then stopped first; or switch its machine off before that`
          : `see why pgprov does not reach it (${pgprov`ping ${inventory}`}), or switch its machine off; what is only cut off must not be taken for dead`;
    return [{ kind: 'refuse', message: `${name} cannot be reached from here, and lives: ${sign}`, hint: mend, settles: true }];
  }
  if (options.dead === true || host === undefined) return [];
  return refuse(
    `${name} does not answer, and nobody but you knows whether it comes back`,
    `where its machine is lost for good, or off and to stay so, add --dead; otherwise bring it back first`,
  );
}

/** The machine that had the name before cannot be asked, because the name leads to the new one. */
function formerMachine(run: Run): OperationObjection[] {
  const name = nameOf(run);
  if (hasBegun(run)) return [];
  const sign = signOfLife(run, false);
  if (sign !== undefined)
    return [
      {
        kind: 'refuse',
        message: `the former machine of ${name} lives: ${sign}`,
        hint: 'switch it off for good; what is only cut off must not be taken for dead',
        settles: true,
      },
    ];
  if (run.options.dead === true) return [];
  return refuse(
    `nobody but you knows whether the former machine of ${name} comes back`,
    'where it is lost for good, or off and to stay so, add --dead',
  );
}

/** What shows that its Patroni or its PostgreSQL runs, or its machine answers, as a clause. */
function signOfLife(run: Run, answers = true): string | undefined {
  const { view } = run;
  const name = nameOf(run);
  const key = keyOf(run);
  if (key !== undefined)
    return `its Patroni is registered (${key.state}), as for a while after it has ended; a lease is ${leaseWords(run)}`;
  const leader = leaderOf(view);
  const leading = leader === undefined ? undefined : answerOf(view, leader);
  if (leading !== undefined && streamsTo(leading, name)) return `it streams from ${leader}`;
  const [from] = answers ? answeredFrom(run) : [];
  return from === undefined ? undefined : `its machine answers ${from}`;
}

function leaseWords({ view }: Run): string {
  const ttl = view.hosts('patroni').length === 0 ? undefined : dynamicTtl(view);
  return ttl === undefined ? 'over after some seconds' : `over after ${ttl} s`;
}

function dynamicTtl(view: Run['view']): number | undefined {
  const ttl = dynamicOf(view)['ttl'];
  return typeof ttl === 'number' ? ttl : undefined;
}

/** Another host that is to go leads, and nothing of it is seen. */
function ledByAbsent(run: Run): OperationObjection[] {
  const { view, inventory } = run;
  const leader = listedLeader(view) ?? '';
  if (leader === nameOf(run) || !inventory.absent.some(({ name }) => name === leader)) return [];
  return refuse(
    `${leader} leads, and is absent in the inventory`,
    `take ${leader} out first, which has another one lead: ${pgprov`remove ${inventory} --host ${leader}`}`,
  );
}

/** Whoever is to join could not, while members are listed that are gone. */
function besidesAbsent(run: Run): OperationObjection[] {
  const { inventory, options } = run;
  const [first] = absentInStore(run);
  if (options.by === undefined || first === undefined || hasBegun(run)) return [];
  const { name: store } = dcsOf(inventory);
  return refuse(
    `${first} is absent in the inventory, and a member of ${store} yet, which takes another member only while all that it has are up`,
    `take ${first} out first: ${pgprov`remove ${inventory} --host ${first}`}; as long as ${nameOf(run)} is out of reach, that takes \`absent: true\` below ${nameOf(run)}, too`,
  );
}

/** Nobody leads, or Patroni is about something else. */
function unled(run: Run): OperationObjection[] {
  const { view, inventory } = run;
  const name = nameOf(run);
  const lost = quorumObjection(run);
  if (lost !== undefined) return [lost];
  if (leaderOf(view) === undefined)
    return untilLed(view, [
      {
        kind: 'refuse',
        message: 'the cluster has no leader, so nobody can be taken out of it',
        hint: `see ${pgprov`status ${inventory}`}, and ${pgprov`failover ${inventory}`} where the leader is lost`,
        settles: true,
      },
    ]);
  // A standby that never comes up may be the very one that is to go.
  const isBuilt = answerOf(view, name)?.state === 'creating replica';
  return [...maintenanceObjection(run), ...(isBuilt ? [] : busyObjection(run))].slice(0, 1);
}

/** It leads, and the member that is to lead then cannot. */
function handsOver(run: Run): OperationObjection[] {
  const { view, options } = run;
  const name = nameOf(run);
  if (leaderOf(view) !== name) return [];
  if (options.to !== undefined && options.to !== '') return cannotLead(run, name, options.to);
  const others = stayingMembers(run).map((host) => host.name);
  const reasons = others.map((other) => `\n  ${other} ${unfit(view, name, other) ?? 'could'}`);
  return untilUp(view, others, [
    {
      kind: 'refuse',
      message: `${name} leads, and no standby can take the lead from it:${reasons.join('')}`,
      hint: `nothing was changed; see ${pgprov`status ${run.inventory}`}`,
    },
  ]);
}

/** With synchronous_mode the leader would take no more commits, or nobody else had them. */
function lastSynchronous(run: Run): OperationObjection[] {
  const { view } = run;
  const name = nameOf(run);
  const leads = leaderOf(view);
  const leader = leaderThen(run);
  if (leads === undefined || leader === undefined || !isSynchronous(view) || !isInPatroni(run)) return [];
  const others = stayingMembers(run)
    .map((host) => host.name)
    .filter((other) => other !== leader);
  if (others.some((other) => notStreamingWhy(view, leads, other) === undefined)) return [];
  return untilUp(view, others, [
    {
      kind: 'refuse',
      message: `with synchronous_mode ${leader} needs a standby that streams, and without ${name} there is none`,
      hint: 'add another standby first, or bring one back',
    },
  ]);
}

/** What nobody tells is not taken for gone: servers that elect a leader tell nothing for some seconds. */
function untold({ view, inventory, options }: Run): OperationObjection[] {
  const { name: store, leaving } = dcsOf(inventory);
  const name = nameOf({ options });
  if (leaving === undefined || leaving.lists(view, { name, host: leavingHost({ inventory, options }) }) !== undefined) return [];
  return [
    {
      kind: 'refuse',
      message: `no member of ${store} tells who its members are, so nobody knows whether ${name} is one`,
      hint: `see ${pgprov`status ${inventory}`}, and run this again when ${store} works`,
      settles: true,
    },
  ];
}

/** Too few members of the store work to agree on it, or would be left. */
function quorum(run: Run): OperationObjection[] {
  const { view, inventory } = run;
  const { name: store, role, isHealthy } = dcsOf(inventory);
  // What only leads to the members is missed by none.
  if (!isInStore(run) || leavingHost(run)?.roles.includes(role) === false) return [];
  const name = nameOf(run);
  const others = [...stayingInStore(run).map((host) => host.name), ...absentInStore(run)];
  const healthy = others.filter((other) => isHealthy(view, other) === true);
  const works = isHealthy(view, name) === true ? 1 : 0;
  const isEnough = healthy.length >= quorumOf(others.length) && healthy.length + works >= quorumOf(others.length + 1);
  if (isEnough) return [];
  const down = others.filter((other) => !healthy.includes(other));
  return untilUp(view, others, [
    {
      kind: 'refuse',
      message: `${enumerate(down)} ${down.length === 1 ? 'is' : 'are'} not healthy: without ${name} too few of the ${others.length} members of ${store} that are left would work for a quorum`,
      hint: `bring ${store} back there first; ${pgprov`status ${inventory}`} shows its members`,
      settles: true,
    },
  ]);
}
