import { gate, onConsole, pooler, poolsResumed, service, sh, type Gate, type Resource, type RoleContext } from '../../../src/index.js';
import { unitPackage } from '../packages.js';
import { consoleOf, poolerConfiguration, poolerIdentity } from './config-file.js';

/** PgBouncer with its files, running, with no pool paused: in this order. */
export function servedPools(context: RoleContext): Resource[] {
  const { host, inventory, platform } = context;
  const { unit, packages, configFile, userFile } = platform.pgbouncer;
  const { files, unit: dropIn, listening } = poolerConfiguration(context);
  const copies = poolerIdentity(host, inventory)?.copies(platform);
  return [
    ...files,
    service({
      unit,
      cluster: context.inventory.cluster,
      restartOn: [dropIn, listening],
      reloadOn: files.filter(({ id }) => id !== dropIn.id),
      reads: [configFile, userFile, ...(copies === undefined ? [] : [copies.ca, copies.certificate, copies.key])],
      broughtBy: unitPackage(platform, packages),
    }) as Resource,
    poolsResumed(consoleOf(context)) as Resource,
  ];
}

/** A reload says nothing of whether the process took its file up. */
export function poolerInForce(context: RoleContext): Gate {
  const console = consoleOf(context);
  const { mark } = poolerConfiguration(context);
  return gate({
    name: 'pgbouncer-in-force',
    title: 'PgBouncer runs with its configuration',
    check: sh`told=$(${onConsole(console, 'SHOW CONFIG')})
case "$told" in
*${`\nsyslog_ident|${mark}|`}*) : ;;
'key|'*) echo 'PgBouncer runs with another configuration'; exit 1 ;;
*) echo 'PgBouncer does not answer'; exit 1 ;;
esac`,
    look: {
      probe: () => pooler(console).probe(),
      parse: (answer) => ({ open: pooler(console).parse(answer).settings.get('syslog_ident') === mark, seen: '' }),
    },
    unit: context.platform.pgbouncer.unit,
    fatalLogPatterns: ['FATAL', 'cannot load config'],
    timeout: 30,
  });
}
