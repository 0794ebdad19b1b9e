/** What is noted of a database that was brought, or is being brought. */
export interface Mark {
  /** Tells the migration from others. */
  id: string;
  /** System identifier of the other cluster. */
  identifier: string;
  /** Clients use it here. */
  moved: boolean;
  /** Seconds in which nobody could write, where it is moved. */
  took: string;
  /** Name of the other cluster; undefined where an earlier pgprov has begun. */
  cluster?: string;
  /** Timelines of both clusters from which on nothing is missing, as long as it is not moved; undefined where an earlier pgprov has begun. */
  timelines?: { there: number; here: number };
}

/** The words that are noted of a database here which is being copied. */
export function copyingMark({ id, identifier, cluster, timelines }: Required<Omit<Mark, 'moved' | 'took'>>): string {
  return `${id} ${identifier} copying ${cluster} ${timelines.there} ${timelines.here}`;
}

/** What is noted of a database here; undefined: it was not brought. */
export function markOf({ mark }: { mark: string | null }): Mark | undefined {
  if (mark === null) return undefined;
  const [id = '', identifier = '', stage = '', ...rest] = mark.split(' ');
  if (stage === 'moved') return { id, identifier, moved: true, took: rest[0] ?? '', ...named(rest[1]) };
  const [cluster, there, here] = rest;
  const timelines = here === undefined ? {} : { timelines: { there: Number(there), here: Number(here) } };
  return { id, identifier, moved: false, took: '', ...named(cluster), ...timelines };
}

function named(cluster: string | undefined): Pick<Mark, 'cluster'> {
  return cluster === undefined ? {} : { cluster };
}
