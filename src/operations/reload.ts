import {
  CONFIG_LOADED,
  configLoaded,
  defineOperation,
  enumerate,
  patroniFile,
  patroniReload,
  pgprov,
  type CheckResult,
  type OperationObjection,
  type OperationRun,
  type OperationStep,
} from '../index.js';
import { dcsOf } from '../../roles/shared/dcs-of.js';
import { accountsOf, hostsWith, localServer, restApiUrl } from '../../roles/shared/layout.js';
import { fileErrors } from './shared/file-errors.js';
import { answerOf } from './shared/members.js';
import { untilUp } from './shared/passing.js';
import { unreadableFiles } from './shared/patroni-file.js';
import { beforeOf, hasRead, readBefore, readCheck, type ReloadOptions } from './shared/files-read.js';
import { withStreaming } from './shared/streaming/procedure.js';
import { streamingReload } from './shared/streaming/reload.js';

type Run = OperationRun<ReloadOptions>;

const underPatroni = defineOperation<ReloadOptions>({
  name: 'reload',
  description: 'have Patroni and PostgreSQL read their configuration files again; refused while a file has an error',
  options: {},
  choosesHosts: true,
  roles: ({ inventory }) => [dcsOf(inventory).role, 'patroni'],
  requiresConverged: false,
  observations: ({ host, inventory, platform }) =>
    hostsWith(inventory, 'patroni').some(({ name }) => name === host.name)
      ? [configLoaded(localServer(host, platform)), patroniFile(platform.patroni.configFile)]
      : [],
  guards: (run) => objections(run),
  choose: (run) => readBefore(run.view, targets(run)),
  remaining: (run) => ({ steps: steps(run) }),
  checks: (run) => proofs(run),
});

export default withStreaming(underPatroni, streamingReload);

function targets({ inventory, chosenHosts }: Run): string[] {
  return hostsWith(inventory, 'patroni')
    .map(({ name }) => name)
    .filter((name) => chosenHosts === undefined || chosenHosts.includes(name));
}

/** With an error in a file PostgreSQL keeps what it has, and its next start fails. */
function objections(run: Run): OperationObjection[] {
  const { view, inventory } = run;
  const left = due(run);
  const down = left.filter((name) => answerOf(view, name) === undefined || view.read(name, CONFIG_LOADED) === undefined);
  if (down.length > 0) {
    return untilUp(view, down, [
      {
        kind: 'preflight',
        error: 'reload/down',
        message: `Patroni or PostgreSQL does not run on ${enumerate(down)}, so there is nothing that could read the files`,
        hint: `start it (${pgprov`start ${inventory}`}), or choose other hosts with --host`,
      },
    ]);
  }
  const unreadable = unreadableFiles(run, left);
  if (unreadable.length > 0) return unreadable;
  return left.flatMap((host) =>
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

/** Lines that PostgreSQL cannot take; Patroni tells of parameters that take a restart as pending. */
function errorsOn({ view }: Run, host: string): string[] {
  return fileErrors(view, host, Object.keys(answerOf(view, host)?.cluster.find(({ name }) => name === host)?.pendingReasons ?? {}));
}

/** The members that have not read their files since the operation began. */
function due(run: Run): string[] {
  return targets(run).filter((name) => !hasRead(run, name));
}

function steps(run: Run): OperationStep[] {
  const left = due(run);
  if (left.length === 0) return [];
  const before = beforeOf(run);
  return [
    {
      id: 'reload',
      title: `have Patroni and PostgreSQL read their files on ${enumerate(left)}`,
      effect: 'no connection is cut; settings that take a restart wait for one',
      on: left,
      resources: (context) => {
        const { host, platform } = context;
        const { restApi } = accountsOf(context);
        return [
          patroniReload({
            url: restApiUrl(host),
            unit: platform.patroni.unit,
            server: localServer(host, platform),
            before: before[host.name] ?? '',
            user: restApi.name,
            password: restApi.password,
          }),
        ];
      },
    },
  ];
}

function proofs(run: Run): CheckResult[] {
  return targets(run).map((host) => readCheck(run, host, errorsOn(run, host)));
}
