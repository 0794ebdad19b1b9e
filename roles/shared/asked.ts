import { SERVER_ASKED, packagesHandle, type Host, type Objection, type ServerAsked, type View } from '../../src/index.js';
import { wantedSettings } from './in-force.js';
import { variables } from './variables.js';

/** What the PostgreSQL that is installed does not take of the host's parameters, and what it would not find or get on this host. */
export function guardParameters(view: View, host: Host): Objection[] {
  const state = view.read(host.name, SERVER_ASKED);
  if (state?.asked !== true) return [];
  const server = `PostgreSQL ${variables(host, 'postgresql').version}`;
  const object = (message: string, hint: string): Objection => ({
    kind: 'preflight',
    host: host.name,
    message: `${host.name}: ${message}`,
    hint,
  });
  return [
    ...state.objections.map(({ message, hint }) =>
      object(`${server} does not take the parameters: ${message}`, hint ?? 'correct the parameter'),
    ),
    ...(installsMore(view, host) ? [] : state.missingLibraries).map((name) =>
      object(`there is no library ${name}, so ${server} would not start`, missingHint(name)),
    ),
    ...memoryObjections(view, host, state).map(({ message, hint }) => object(message, hint)),
  ];
}

function missingHint(name: string): string {
  return `install the package that has ${name}.so (a role of your own can, see docs/extending.md), or take it out of shared_preload_libraries`;
}

/** Packages that the run is still to install may bring what is missing; it is asked for again when they are there. */
function installsMore(view: View, host: Host): boolean {
  return host.roles.some((role) =>
    Object.values(view.read(host.name, packagesHandle(role)) ?? {}).some((version) => typeof version !== 'string'),
  );
}

type Asked = Extract<ServerAsked, { asked: true }>;

function memoryObjections(view: View, host: Host, { sharedBuffers, memory, hugePages }: Asked): { message: string; hint: string }[] {
  if (sharedBuffers === undefined || memory === undefined) return [];
  const platform = view.platform(host.name);
  const wanted = platform === undefined ? [] : Object.entries(wantedSettings({ host, inventory: view.inventory, platform }));
  const onlyHuge = wanted.some(([name, value]) => name.toLowerCase() === 'huge_pages' && String(value).toLowerCase() === 'on');
  const takes = `shared_buffers takes ${gigabytes(sharedBuffers)}`;
  if (onlyHuge && hugePages !== undefined && sharedBuffers > hugePages) {
    return [
      {
        message: `${takes}, and there are huge pages for ${gigabytes(hugePages)}: with huge_pages = on PostgreSQL would not start`,
        hint: 'raise vm.nr_hugepages on the host, or set huge_pages to try',
      },
    ];
  }
  if (sharedBuffers <= memory) return [];
  return [
    {
      message: `${takes}, and the host has ${gigabytes(memory)} of memory: PostgreSQL would not start`,
      hint: 'lower shared_buffers; a quarter of the memory is usual',
    },
  ];
}

function gigabytes(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GB`;
}
