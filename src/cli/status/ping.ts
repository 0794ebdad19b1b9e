import { homedir } from 'node:os';
import { Session } from '../../engine/session.js';
import { probeSections, takeStates } from '../../engine/survey.js';
import { asPgprovError, ExitCode, UnreachableError } from '../../lib/errors.js';
import { redact } from '../../lib/secret.js';
import { toTarget, type Host } from '../../model/index.js';
import type { PingedHost, Reached } from '../../report/ping.js';
import { renderPing } from '../../report/ping-text.js';
import { HOST_FACTS, hostFacts } from '../../resources/host-facts.js';
import { answerText, type Observation } from '../../resources/resource.js';
import { sh } from '../../shell/quote.js';
import { endpointName } from '../../transport/ssh-errors.js';
import type { Connection, Transport } from '../../transport/transport.js';
import { errorLook } from '../colors.js';
import { loadFor, printWarnings } from '../inventory.js';
import { selectionOf, type SelectionFlags, type CommonOptions } from '../options.js';
import { THIS_PROCESS } from '../pipeline/environment.js';
import type { AskOptions } from '../ssh-passwords.js';

/** Options of `pgprov ping`. */
export interface PingOptions extends CommonOptions, SelectionFlags, AskOptions {
  json?: boolean;
}

/** `pgprov ping`: who can be reached, how, as whom and in what time, and what is wrong with the rest. Changes nothing. */
export async function ping(file: string, options: PingOptions, environment = THIS_PROCESS): Promise<ExitCode> {
  const inventory = await loadFor(file, options);
  const { hosts: names } = selectionOf(inventory, options);
  const hosts = inventory.hosts.filter(({ name }) => names?.includes(name) !== false);
  printWarnings(inventory);
  const transport = await environment.transportTo(hosts);
  const interrupt = new AbortController();
  const abort = (): void => interrupt.abort();
  process.once('SIGINT', abort);
  try {
    const pinged = await Promise.all(hosts.map((host) => pingHost(host, transport, interrupt.signal)));
    const text =
      options.json === true
        ? JSON.stringify({ cluster: inventory.cluster, hosts: pinged.map(asJson) }, undefined, 2)
        : renderPing(pinged, { ...errorLook(process.stdout), home: homedir() });
    process.stdout.write(`${text}\n`);
    if (interrupt.signal.aborted) return ExitCode.interrupted;
    return pinged.every(({ error }) => error === undefined) ? ExitCode.done : ExitCode.unreachable;
  } finally {
    process.off('SIGINT', abort);
  }
}

async function pingHost(host: Host, transport: Transport, signal: AbortSignal): Promise<PingedHost> {
  const { name, ssh } = host;
  const way = {
    name,
    endpoint: endpointName({ ...ssh, user: '' }).slice(1),
    via: ssh.jump.map(endpointName),
    user: ssh.user,
    become: ssh.become.method,
  };
  try {
    return { ...way, reached: await reach(host, transport, signal) };
  } catch (error) {
    return { ...way, error: asPgprovError(error, name) };
  }
}

const IDENTITY: Observation<string> = {
  id: 'identity',
  probe: () => sh`id -u`,
  parse: (answer) => answerText(answer).trim(),
};

async function reach(host: Host, transport: Transport, signal: AbortSignal): Promise<Reached> {
  const began = performance.now();
  const connection: Connection = await transport.connect(toTarget(host), signal);
  const connectMs = performance.now() - began;
  const session = await Session.open(host, { connect: () => Promise.resolve(connection) });
  const hangUp = (): void => void session.close();
  signal.addEventListener('abort', hangUp, { once: true });
  try {
    const facts = hostFacts();
    const asked = performance.now();
    let answeredAt = 0;
    const { byId } = await session.run(probeSections([facts, IDENTITY]), {
      listener: {
        done: (id) => {
          if (id.endsWith(HOST_FACTS.id)) answeredAt = Date.now();
        },
      },
    });
    const roundTripMs = performance.now() - asked;
    takeStates(session, [facts, IDENTITY], byId);
    assertRoot(host, session.seen(IDENTITY));
    const { os, version, architecture, clock } = session.seen(HOST_FACTS);
    const { authentication = 'nothing', hostKey = { type: '', fingerprint: '', file: '' } } = connection.facts ?? {};
    return {
      authentication,
      hostKey,
      connectMs,
      roundTripMs,
      system: [os || 'unknown system', version, architecture].filter((part) => part !== '').join(' '),
      clockOffsetMs: clock - answeredAt,
    };
  } finally {
    signal.removeEventListener('abort', hangUp);
    await session.close();
  }
}

/** `none` is for those who are root already, which nobody has checked so far. */
function assertRoot({ name, ssh }: Host, uid: string): void {
  if (uid === '0') return;
  throw new UnreachableError({
    kind: 'become/not-root',
    host: name,
    message: `${name}: ${ssh.user} is not root there (user id ${uid})`,
    hint: 'set ssh.become to sudo or doas, or log in as root',
  });
}

function asJson({ error, reached, ...way }: PingedHost): object {
  if (error === undefined) return { ...way, ok: true, ...reached };
  const { kind, message, hint } = error;
  return { ...way, ok: false, error: { kind, message: redact(message), ...(hint === undefined ? {} : { hint: redact(hint) }) } };
}
