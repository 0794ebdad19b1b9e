import { enumerate, PATRONI_MEMBER, pgprov, type Host, type View } from '../../src/index.js';
import { hostsWith } from './layout.js';
import { standsForElection } from './leader-in-store.js';
import { variables } from './variables.js';

type Tags = Readonly<Record<string, unknown>>;

/** The tag with which Patroni never makes a member the leader, as its name; undefined: it has none. */
export function barringTag(tags: Tags | undefined): string | undefined {
  if (tags?.['nofailover'] === true) return 'nofailover';
  return tags?.['failover_priority'] === 0 ? 'failover_priority' : undefined;
}

/** Whether the inventory gives the member such a tag. */
export function isBarred(host: Host): boolean {
  return barringTag(variables(host, 'patroni').tags) !== undefined;
}

/** The tags that the Patroni that runs on the host has in force, wherever they are from. */
export function tagsInForce(view: View, name: string): Tags | undefined {
  const member = view.read(name, PATRONI_MEMBER);
  return member?.answers === true ? member.cluster.find((each) => each.name === name)?.tags : undefined;
}

/** The members that Patroni would elect one of, where the tags of all of them keep it from that; none where it can elect, or none runs. */
export function heldByTags(view: View): Host[] {
  const standing = view.hosts('patroni').filter(({ name }) => standsForElection(view, name));
  return standing.every(({ name }) => barringTag(tagsInForce(view, name)) !== undefined) ? standing : [];
}

/** `the tag nofailover keeps pg2 and pg3 from it` */
export function heldWords(view: View, held: readonly Host[]): string {
  const tags = [...new Set(held.flatMap(({ name }) => barringTag(tagsInForce(view, name)) ?? []))];
  return `the tag ${tags.join(' or ')} keeps ${enumerate(held.map(({ name }) => name))} from it`;
}

/** How a cluster that has no leader because of its members' tags gets one, as a sentence without its full stop. */
export function mendTags(view: View, held: readonly Host[]): string {
  const { inventory } = view;
  const files = new Set(held.flatMap(({ name }) => view.platform(name)?.patroni.configFile ?? []));
  const recovers = `${pgprov`recover ${inventory}`} writes ${enumerate([...files])} on ${enumerate(held.map(({ name }) => name))} as the inventory has it, and starts the member with the last commits first`;
  const away = hostsWith(inventory, 'patroni').flatMap(({ name }) => (view.surveyed(name) ? [] : [name]));
  const without =
    away.length === 0
      ? ''
      : `; where ${enumerate(away)} cannot come back, ${pgprov`recover ${inventory} --without ${away.join(',')}`} does so without what only ${enumerate(away)} may have`;
  const given = held.filter(isBarred).map(({ name }) => name);
  return given.length === 0
    ? `${recovers}${without}`
    : `take the tag of ${enumerate(given)} out of the inventory (patroni.tags), of those that may lead; then ${recovers}${without}`;
}
