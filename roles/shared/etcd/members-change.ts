import {
  DCS,
  enumerate,
  ETCD_MEMBER,
  notWanted,
  pgprov,
  removal,
  type Drift,
  type Host,
  type Objection,
  type View,
} from '../../../src/index.js';
import { hostsWith } from '../layout.js';
import { onWorkingMember } from './etcdctl.js';
import { joinsOthers, listedMembers, type Listed } from './membership.js';
import { peerUrl } from './peer-url.js';
import { takingOut } from './without-role.js';

/** Hosts that are to join an etcd that exists. */
function newcomers(view: View): Host[] {
  return view.hosts('etcd').filter((host) => joinsOthers(view, host));
}

/** Why a list of members that is not the inventory's is not made so by this run. */
export function membershipObjections(view: View): Objection[] {
  const members = listedMembers(view);
  if (members === undefined) return [];
  const wanted = hostsWith(view.inventory, 'etcd');
  const isListed = (host: Host): boolean => members.some(({ peerUrls }) => peerUrls.includes(peerUrl(host)));
  const unknown = etcdStrangers(view);
  if (unknown.length > 0) return unknown;
  return [
    ...wanted.filter((host) => !isListed(host) && view.read(host.name, ETCD_MEMBER)?.hasData === true).map(({ name }) => ownData(name)),
    ...silent(view, wanted.filter(isListed)),
  ];
}

/** Why nothing is changed while etcd has members that the inventory does not have, but for those that are borne. */
export function etcdStrangers(view: View, bears: (name: string) => boolean = () => false): Objection[] {
  const unknown = strangers(view).filter(({ name }) => !bears(name) && view.inventory.leftForLater?.includes(name) !== true);
  return unknown.length === 0 ? [] : [left(view, unknown)];
}

function left(view: View, unknown: readonly Listed[]): Objection {
  const [first] = unknown;
  return {
    kind: 'preflight',
    message: `etcd has formed a cluster already, with other members than the inventory: ${unknown.map((member) => unwanted(view, member)).join('; ')}`,
    hint: leaving(view, first?.name ?? ''),
  };
}

function unwanted(view: View, { name, peerUrls }: Listed): string {
  const why = isHost(view, name) ? 'has no role etcd in the inventory' : notWanted(view.inventory, name);
  return `${name === '' ? 'a member' : name} (${peerUrls.join(', ')}) ${why}`;
}

/** Whether the inventory has a host of that name, which stays in the cluster. */
function isHost({ inventory }: View, name: string): boolean {
  return inventory.hosts.some((host) => host.name === name);
}

/** What to do about a member that the inventory does not have; one that never started has no name to give. */
function leaving(view: View, name: string): string {
  if (isHost(view, name)) return takingOut(view.inventory, name);
  if (name !== '') return removal(view.inventory, name);
  return `put it back into the inventory; or, if it is to go, ${onWorkingMember(view)}: \`etcdctl member list\`, and \`etcdctl member remove\` with the id that it shows; then run this again`;
}

/** Members of etcd that the inventory does not have, and that Patroni does not have either: of those that it has, it tells. */
export function membersDrift(view: View): Drift[] {
  const teller = view.hosts('etcd').find(({ name }) => (view.read(name, ETCD_MEMBER)?.members ?? []).length > 0);
  if (teller === undefined) return [];
  const ofPatroni = view.hosts('patroni').flatMap(({ name }) => {
    const store = view.read(name, DCS);
    return store?.reachable === true ? store.members.map((member) => member.name) : [];
  });
  return strangers(view)
    .filter(({ name }) => !ofPatroni.includes(name))
    .map((member) => ({ host: teller.name, what: `etcd counts on ${unwanted(view, member)}`, mend: leaving(view, member.name) }));
}

/** The members that etcd lists and the inventory does not have. */
function strangers(view: View): readonly Listed[] {
  const wanted = hostsWith(view.inventory, 'etcd');
  return (listedMembers(view) ?? []).filter(({ peerUrls }) => !wanted.some((host) => peerUrls.includes(peerUrl(host))));
}

function ownData(name: string): Objection {
  return {
    kind: 'preflight',
    host: name,
    message: `${name} is to join etcd, which does not list it, and has data of an etcd member already: of another etcd, or from before it was removed`,
    hint: `if nobody needs that data, move it aside there (see \`ETCD_DATA_DIR\`), then run this again; ${name} joins without data`,
  };
}

/** etcd takes another member only while all that it lists are connected. */
function silent(view: View, members: readonly Host[]): Objection[] {
  const joining = newcomers(view);
  const missing = members.filter(({ name }) => view.read(name, ETCD_MEMBER) === undefined);
  // A run of a part asks none of the others.
  if (joining.length === 0 || missing.length === 0 || missing.length === members.length) return [];
  const names = enumerate(missing.map(({ name }) => name));
  return [
    {
      kind: 'preflight',
      message: `${enumerate(joining.map(({ name }) => name))} cannot join etcd while ${names} ${missing.length === 1 ? 'is' : 'are'} not reached: etcd takes another member only while all of its members are up`,
      hint: `bring ${names} back first; ${pgprov`ping ${view.inventory}`} shows who answers`,
    },
  ];
}

/** What a plan leads to for etcd as a whole. */
export function membershipEffects(view: View): string[] {
  const joining = newcomers(view);
  if (joining.length === 0) return [];
  const names = enumerate(joining.map(({ name }) => name));
  const size = hostsWith(view.inventory, 'etcd').length;
  const bears = Math.floor((size - 1) / 2);
  const even = size % 2 === 0 ? `, no more than with ${size - 1}` : '';
  const turns = joining.length === 1 ? '' : ', one after the other';
  return [`etcd gets ${names}${turns}, without a vote until it has caught up; with ${size} members it bears the loss of ${bears}${even}`];
}
