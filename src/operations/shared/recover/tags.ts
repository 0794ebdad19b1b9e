import { enumerate, fileHandle, localTags, type OperationObjection, type View } from '../../../index.js';
import { barringTag, isBarred } from '../../../../roles/shared/tags.js';
import { membersOf } from '../members.js';
import { givenUp, workingLeader, type RecoverRun } from './seen.js';

/** The inventory itself lets no member lead. */
export function tagObjections(run: RecoverRun): OperationObjection[] {
  const given = givenUp(run);
  const members = membersOf(run.inventory).filter(({ name }) => !given.includes(name));
  if (members.length === 0 || !members.every(isBarred)) return [];
  return [
    {
      kind: 'refuse',
      message: `nobody leads, and the tags that the inventory gives keep ${enumerate(members.map(({ name }) => name))} from it`,
      hint: 'nothing was changed; take nofailover and failover_priority out of patroni.tags of those that may lead, and run this again, which writes their patroni.yml',
    },
  ];
}

/** Members that a tag in patroni.yml keeps from leading which the inventory does not give, while nobody leads. */
export function taggedFiles({ view }: RecoverRun): string[] {
  if (workingLeader(view) !== undefined) return [];
  return view.hosts('patroni').flatMap((host) => (isBarred(host) || fileTag(view, host.name) === undefined ? [] : [host.name]));
}

/** `the tag nofailover, which the inventory does not give, keeps pg2 and pg3 from leading` */
export function taggedWords({ view }: Pick<RecoverRun, 'view'>, hosts: readonly string[]): string {
  const tags = new Set(hosts.flatMap((host) => fileTag(view, host) ?? []));
  return `the tag ${[...tags].join(' or ')}, which the inventory does not give, keeps ${enumerate(hosts)} from leading`;
}

function fileTag(view: View, host: string): string | undefined {
  const file = view.read(host, fileHandle(view.platform(host)?.patroni.configFile ?? ''));
  return file?.type === 'file' ? barringTag(localTags(file.content.toString('utf8'))) : undefined;
}
