/**
 * Loaded into pgprov's own process before it starts (`node --import`), so that a run is interrupted at an exact
 * moment: when the JSON line of an event has been written and before anything else happens. From outside, pgprov
 * would be some milliseconds further by the time its line was read.
 *
 * INTERRUPT_AT: the moments still to come, in order: [{"stage":"etcd/start","moment":"middle","by":"kill -9 …"}, …].
 * `middle` is the first change that a host begins in the stage, `later` the first that a second host begins there,
 * `install` the first installation of packages that a host begins there, `nth` the event of that number (`nth`) among the
 * beginnings and ends of changes and waits there, `end` the stage's end; a moment that does not come before its stage ends is passed over. `by` is a shell command;
 * default: kill -9 of pgprov itself.
 */
import { execSync } from 'node:child_process';
import { writeSync } from 'node:fs';

const moments = JSON.parse(process.env.INTERRUPT_AT);
/** Hosts that did something, by stage. */
const busy = new Map();
/** How many changes and waits have begun and ended, by stage. */
const counts = new Map();
const write = process.stdout.write.bind(process.stdout);

process.stdout.write = (chunk, ...rest) => {
  const result = write(chunk, ...rest);
  for (const line of String(chunk).split('\n')) if (line.startsWith('{')) look(JSON.parse(line));
  return result;
};

function look({ type, stage, host, resource }) {
  const hosts = busy.get(stage) ?? new Set();
  if (type === 'changing' || type === 'waiting') busy.set(stage, hosts.add(host));
  if (/^(?:chang|wait)/.test(type)) counts.set(stage, (counts.get(stage) ?? 0) + 1);
  while (type === 'stage-end' && stage === moments[0]?.stage && moments[0].moment !== 'end') moments.shift();
  const [next] = moments;
  if (next === undefined || next.stage !== stage) return;
  const changing = type === 'changing';
  const came = {
    install: changing && resource.startsWith('packages:'),
    middle: changing,
    nth: counts.get(stage) === next.nth,
    later: changing && hosts.size > 1,
    end: type === 'stage-end',
  };
  if (!came[next.moment]) return;
  moments.length = 0;
  // The stream's own write may be done later; this one is not.
  writeSync(2, `interrupted at ${JSON.stringify(next)}\n`);
  if (next.by === undefined) process.kill(process.pid, 'SIGKILL');
  else execSync(next.by, { stdio: 'ignore', shell: '/bin/sh' });
}
