import {
  configLoaded,
  enumerate,
  PENDING_VALUES,
  pgprov,
  serverReload,
  topologyOf,
  type OperationObjection,
  type OperationRun,
  type OperationStep,
} from '../../../index.js';
import { localServer } from '../../../../roles/shared/layout.js';
import { fileErrors } from '../file-errors.js';
import { beforeOf, hasRead, readBefore, readCheck, type ReloadOptions } from '../files-read.js';
import type { StreamingProcedure } from './procedure.js';
import { answers, chosenServers, isHeld, serverObservations } from './seen.js';

type Run = OperationRun<ReloadOptions>;

/** Servers that stream without Patroni read their files again. */
export const streamingReload: StreamingProcedure<ReloadOptions> = {
  observations: (context) =>
    topologyOf(context.host) === 'streaming'
      ? [...serverObservations(context), configLoaded(localServer(context.host, context.platform))]
      : [],
  guards: objections,
  choose: (run) => readBefore(run.view, targets(run)),
  remaining: (run) => ({ steps: steps(run) }),
  checks: (run) => targets(run).map((host) => readCheck(run, host, errorsOn(run, host))),
};

/** Those that are meant; of all, not those that were stopped on purpose. */
function targets(run: Run): string[] {
  return chosenServers(run).filter((name) => run.chosenHosts !== undefined || !isHeld(run.view, name));
}

function due(run: Run): string[] {
  return targets(run).filter((name) => !hasRead(run, name));
}

function errorsOn({ view }: Run, host: string): string[] {
  return fileErrors(
    view,
    host,
    (view.read(host, PENDING_VALUES) ?? []).map(({ name }) => name),
  );
}

/** With an error in a file PostgreSQL keeps what it has, and its next start fails. */
function objections(run: Run): OperationObjection[] {
  const { view, inventory } = run;
  const down = due(run).filter((name) => !answers(view, name));
  if (down.length > 0) {
    return [
      {
        kind: 'preflight',
        error: 'reload/down',
        message: `PostgreSQL does not run on ${enumerate(down)}, so there is nothing that could read the files`,
        hint: `start it (${pgprov`start ${inventory}`}), or choose other hosts with --host`,
      },
    ];
  }
  return due(run).flatMap((host) =>
    errorsOn(run, host).map(
      (message): OperationObjection => ({
        kind: 'refuse',
        host,
        message: `${host}: ${message}`,
        hint: `nothing was reloaded; correct the line. Where pgprov wrote the file, ${pgprov`apply ${inventory}`} writes it again`,
      }),
    ),
  );
}

function steps(run: Run): OperationStep[] {
  const left = due(run);
  if (left.length === 0) return [];
  const before = beforeOf(run);
  return [
    {
      id: 'reload',
      title: `have PostgreSQL read its files on ${enumerate(left)}`,
      effect: 'no connection is cut; settings that take a restart wait for one',
      on: left,
      resources: ({ host, platform }) => [serverReload(localServer(host, platform), before[host.name] ?? '')],
    },
  ];
}
