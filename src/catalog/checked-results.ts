import { isIP } from 'node:net';
import { STATUS_LEVELS } from '../lib/cluster-status.js';
import { FINDING_LEVELS, type Finding } from '../lib/finding.js';
import type { Entrance, RolePort, RoleProtocol } from '../model/index.js';
import type { Diagnosis } from '../plan/diagnosis.js';
import type { Stage, StatusLine, TlsCopies, TlsIdentity } from '../plan/role.js';
import { asserter } from './blame.js';

/** What the types promise of stages; JavaScript promises nothing. */
export function checkedStages(stages: unknown, role: string): Stage[] {
  const { assert, listOf, resourcesOf, gatesOf } = asserter(`role ${role}`);
  const list = listOf<Partial<Stage>>(stages, 'stages');
  const names = new Set<unknown>();
  list.forEach((stage, index) => {
    const place = `stage ${stage.name ?? index + 1}`;
    assert(
      typeof stage.name === 'string' && /^[a-z0-9][a-z0-9_-]*$/u.test(stage.name),
      `${place}: name must be of lower-case letters, digits, - and _`,
    );
    assert(!names.has(stage.name), `${place}: two stages have this name`);
    assert(typeof stage.title === 'string', `${place}: title must be a text`);
    assert(stage.crossing === 'independent' || stage.crossing === 'rolling', `${place}: crossing must be 'independent' or 'rolling'`);
    names.add(stage.name);
    resourcesOf(stage.resources, place);
    gatesOf(stage.gates ?? [], place);
  });
  return list as Stage[];
}

/** What the types promise of ports. */
export function checkedPorts(given: unknown, role: string): RolePort[] {
  const { assert, listOf } = asserter(`role ${role}`);
  return listOf<RolePort>(given, 'ports').map((port, at) => {
    const place = `ports: ${port.what ?? at + 1}`;
    assert(isPort(port.port), `${place}: port must be an integer from 1 to 65535`);
    assert(isText(port.what), `${place}: what must be a text`);
    assert(isListOfTexts(port.units), `${place}: units must be a list of texts`);
    const { openTo } = port;
    assert(typeof openTo === 'object' && openTo !== null, `${place}: openTo must be an object`);
    assert(openTo.networks === undefined || isListOfTexts(openTo.networks), `${place}: openTo.networks must be a list of texts`);
    assert(port.usedBy === undefined || isListOfTexts(port.usedBy), `${place}: usedBy must be a list of texts`);
    return port;
  });
}

/** What the types promise of protocols. */
export function checkedProtocols(given: unknown, role: string): RoleProtocol[] {
  const { assert, listOf } = asserter(`role ${role}`);
  return listOf<RoleProtocol>(given, 'protocols').map((spoken, at) => {
    const place = `protocols: ${spoken.what ?? at + 1}`;
    assert(spoken.protocol === 'vrrp', `${place}: protocol must be vrrp`);
    assert(isText(spoken.what), `${place}: what must be a text`);
    assert(isListOfTexts(spoken.units), `${place}: units must be a list of texts`);
    return spoken;
  });
}

/** What the types promise of entrances. */
export function checkedEntrances(given: unknown, role: string): Entrance[] {
  const { assert, listOf } = asserter(`role ${role}`);
  return listOf<Entrance>(given, 'entrances').map((entrance, at) => {
    const place = `entrances: ${at + 1}`;
    assert(typeof entrance.address === 'string' && isIP(entrance.address) !== 0, `${place}: address must be an IP address`);
    assert(isPort(entrance.port), `${place}: port must be an integer from 1 to 65535`);
    assert(['leader', 'replicas'].includes(entrance.leadsTo), `${place}: leadsTo must be leader or replicas`);
    return entrance;
  });
}

/** What the types promise of reasons for what is added. */
export function checkedReasons(given: unknown, role: string): ReadonlyMap<string, string> {
  const { assert } = asserter(`role ${role}`);
  assert(
    given instanceof Map && [...given].flat().every(isText),
    'reasons must give a Map of texts, by the dotted paths of what the role adds',
  );
  return given as ReadonlyMap<string, string>;
}

/** What the types promise of how long a host is waited for; shells reckon in whole numbers. */
export function checkedPatience(given: unknown, role: string): number {
  const { assert } = asserter(`role ${role}`);
  assert(Number.isInteger(given) && (given as number) >= 1, 'patience must give a whole number from 1 on');
  return given as number;
}

/** What the types promise of the use of a key pair. */
export function checkedIdentity(given: unknown, role: string): TlsIdentity | undefined {
  if (given === undefined) return undefined;
  const { assert } = asserter(`role ${role}`);
  assert(typeof given === 'object' && given !== null, 'tls must give an object, or nothing');
  const { names, copies } = given as Partial<TlsIdentity>;
  assert(names === undefined || isListOfTexts(names), `tls: names must be a list of texts`);
  assert(typeof copies === 'function', `tls: copies() is missing`);
  return given as TlsIdentity;
}

const COPIES = ['directory', 'ca', 'certificate', 'key', 'owner', 'group', 'unit'] as const;

/** What the types promise of the copies of a key pair. */
export function checkedCopies(given: unknown, role: string): TlsCopies {
  const { assert } = asserter(`role ${role}`);
  assert(typeof given === 'object' && given !== null, `tls: copies() must give an object`);
  const copies = given as TlsCopies;
  for (const name of COPIES) assert(isText(copies[name]), `tls: copies: ${name} must be a text`);
  return copies;
}

/** What the types promise of lines of the status. */
export function checkedLines(given: unknown, role: string): StatusLine[] {
  const { assert, listOf } = asserter(`role ${role}`);
  return listOf<StatusLine>(given, 'status').map((line) => {
    assert(isText(line.text), `status: text must be a text`);
    const { level = 'ok' } = line;
    assert(STATUS_LEVELS.includes(level), `status: level must be one of ${STATUS_LEVELS.join(', ')}`);
    return line;
  });
}

/** What the types promise of diagnoses. */
export function checkedDiagnoses(given: unknown, role: string): Diagnosis[] {
  const { assert, listOf } = asserter(`role ${role}`);
  return listOf<Diagnosis>(given, 'diagnoses').map((diagnosis, at) => {
    const place = `diagnosis ${diagnosis.name ?? at + 1}`;
    assert(
      typeof diagnosis.name === 'string' && /^[a-z][a-z0-9-]*$/u.test(diagnosis.name),
      `${place}: name must be of lower-case letters, digits and -`,
    );
    assert(isText(diagnosis.looksAt), `${place}: looksAt must be a text`);
    assert(typeof diagnosis.find === 'function', `${place}: find() is missing`);
    return diagnosis;
  });
}

/** What the types promise of what a diagnosis finds. */
export function checkedFindings(given: unknown, role: string, diagnosis: string): Finding[] {
  const { assert, listOf } = asserter(`role ${role}`);
  return listOf<Finding>(given, `diagnosis ${diagnosis}: find()`).map((finding) => {
    const place = `diagnosis ${diagnosis}`;
    assert(FINDING_LEVELS.includes(finding.level), `${place}: level must be one of ${FINDING_LEVELS.join(', ')}`);
    for (const name of ['what', 'follows', 'mend'] as const) assert(isText(finding[name]), `${place}: ${name} must be a text`);
    assert(Array.isArray(finding.evidence), `${place}: evidence must be a list`);
    return finding;
  });
}

function isPort(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) > 0 && (value as number) < 65536;
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

function isListOfTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every(isText);
}
