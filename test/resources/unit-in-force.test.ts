import { spawn, type ChildProcess } from 'node:child_process';
import { afterEach, describe, expect, it } from 'vitest';
import { settingsText, unitInForce, type UnitInForce, type UnitInForceOptions } from '../../src/resources/unit-in-force.js';
import { freshDirectory } from '../support/directory.js';
import { answering, MadeUpHost } from '../support/made-up-host.js';
import { observe } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

const answer = (text: string): { status: number; out: Buffer } => ({ status: 0, out: Buffer.from(text) });
const options: UnitInForceOptions = {
  unit: 'etcd',
  environmentFile: '/etc/default/etcd',
  variables: { ETCD_CLIENT_CERT_AUTH: 'true', ETCD_HEARTBEAT_INTERVAL: '100', ETCD_CONFIG_FILE: undefined },
  variableOf: (option) => `ETCD_${option.toUpperCase().replaceAll('-', '_')}`,
};
const observation = unitInForce(options);

interface Unit {
  dropIns?: string;
  environment?: string;
  files?: readonly string[];
  unset?: string;
  argv?: string;
  fragment?: string;
  reload?: string;
  pid?: number;
}

/** What `systemctl show` prints of a unit. */
function shown({
  dropIns = '',
  environment = 'DAEMON_ARGS= ETCD_NAME=pg1',
  files = ['/etc/default/etcd'],
  unset = '',
  argv = '/usr/bin/etcd $DAEMON_ARGS',
  fragment = '/usr/lib/systemd/system/etcd.service',
  reload = 'no',
  pid = 0,
}: Unit): string {
  return [
    `MainPID=${pid}`,
    `ExecStart={ path=/usr/bin/etcd ; argv[]=${argv} ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }`,
    `Environment=${environment}`,
    ...files.map((file) => `EnvironmentFiles=${file} (ignore_errors=yes)`),
    `UnsetEnvironment=${unset}`,
    `FragmentPath=${fragment}`,
    `DropInPaths=${dropIns}`,
    `NeedDaemonReload=${reload}`,
    '',
  ].join('\n');
}

/** What the probe prints where the files hold nothing else. */
function printed(unit: Unit, { more = '', process }: { more?: string; process?: string } = {}): string {
  const { files = ['/etc/default/etcd'] } = unit;
  return `${shown(unit)}${files.map((file) => `file=${file}\n`).join('')}${more}${process === undefined ? '' : `process\n${process}`}`;
}

const good = 'argument=/usr/bin/etcd\nvariable=ETCD_CLIENT_CERT_AUTH=true\nvariable=ETCD_HEARTBEAT_INTERVAL=100\n';
const asWanted: UnitInForce = { dropIns: [], stale: false, running: [], next: [] };
const open = { name: 'ETCD_CLIENT_CERT_AUTH', wanted: 'true', is: 'false' };
const DROP_IN = '/etc/systemd/system/etcd.service.d/open.conf';

describe('what a unit has in force', () => {
  it.each<{ title: string; text: string; state: Partial<UnitInForce> }>([
    { title: 'what is wanted', text: printed({}, { process: good }), state: {} },
    { title: 'nothing when systemd does not know the unit', text: 'MainPID=0\nFragmentPath=\nNeedDaemonReload=no\n', state: {} },
    { title: 'nothing when there is no systemd', text: '', state: {} },
    { title: 'nothing yet, and will be right after a start', text: printed({}), state: {} },
    {
      title: 'drop-ins of packages',
      text: printed({ dropIns: '/usr/lib/systemd/system/service.d/10-timeout.conf /lib/systemd/system/etcd.service.d/x.conf' }),
      state: {},
    },
    {
      title: 'a drop-in that changes none of it',
      text: printed({ dropIns: DROP_IN, environment: 'ETCD_CLIENT_CERT_AUTH=false' }, { process: good }),
      state: { dropIns: [DROP_IN] },
    },
    {
      title: 'a unit file in the place of the package’s',
      text: printed({ fragment: '/etc/systemd/system/etcd.service' }),
      state: { dropIns: ['/etc/systemd/system/etcd.service'] },
    },
    {
      title: 'a drop-in on disk that systemd has not read',
      text: `${printed({})}disk=${DROP_IN}\n`,
      state: { dropIns: [DROP_IN], stale: true },
    },
    { title: 'a file that changed after it was read', text: printed({ reload: 'yes' }), state: { stale: true } },
    {
      title: 'options on the command line',
      text: printed({ dropIns: DROP_IN, argv: '/usr/bin/etcd --client-cert-auth=false -heartbeat-interval 500' }),
      state: { dropIns: [DROP_IN], next: [open, { name: 'ETCD_HEARTBEAT_INTERVAL', wanted: '100', is: '500' }] },
    },
    {
      title: 'options in a variable of the unit',
      text: printed({ environment: '"DAEMON_ARGS=--config-file=/etc/x.yml --client-cert-auth=false" X=1' }),
      state: { next: [open, { name: 'ETCD_CONFIG_FILE', wanted: undefined, is: '/etc/x.yml' }] },
    },
    {
      title: 'variables taken away by systemd',
      text: printed({ unset: 'ETCD_CLIENT_CERT_AUTH ETCD_OTHER' }),
      state: { next: [{ ...open, is: undefined }] },
    },
    {
      title: 'variables taken away and set by env',
      text: printed({ argv: '/usr/bin/env -u ETCD_CLIENT_CERT_AUTH ETCD_HEARTBEAT_INTERVAL=7 /usr/bin/etcd' }),
      state: {
        next: [
          { ...open, is: undefined },
          { name: 'ETCD_HEARTBEAT_INTERVAL', wanted: '100', is: '7' },
        ],
      },
    },
    {
      title: 'another file after pgprov’s',
      text: printed({ files: ['/etc/default/etcd', '/etc/open.env'] }, { more: 'variable=ETCD_CLIENT_CERT_AUTH="false"\n' }),
      state: { next: [open] },
    },
    {
      title: 'another file before pgprov’s',
      text: `${shown({})}file=/etc/open.env\nvariable=ETCD_CLIENT_CERT_AUTH=false\nfile=/etc/default/etcd\n`,
      state: {},
    },
    {
      title: 'another file in place of pgprov’s',
      text: `${shown({ files: ['/etc/open.env'] })}file=/etc/open.env\nvariable=ETCD_CLIENT_CERT_AUTH=false\n`,
      state: { next: [open, { name: 'ETCD_HEARTBEAT_INTERVAL', wanted: '100', is: undefined }] },
    },
    {
      title: 'a process that started before the last change',
      text: printed({}, { process: good.replace('true', 'false') }),
      state: { running: [open] },
    },
    {
      title: 'a process with an option',
      text: printed({}, { process: `${good}argument=--client-cert-auth=false\n` }),
      state: { running: [open] },
    },
  ])('is $title', ({ text, state }) => expect(observation.parse(answer(text))).toEqual({ ...asWanted, ...state }));

  it('omits drop-ins of pgprov', () => {
    expect(unitInForce({ ...options, ours: [DROP_IN] }).parse(answer(printed({ dropIns: DROP_IN }))).dropIns).toEqual([]);
  });

  it('is described in a sentence', () => {
    expect(settingsText([open, { name: 'A', wanted: undefined, is: '' }])).toBe(
      'ETCD_CLIENT_CERT_AUTH is false, not true, and A is empty, and must not be set',
    );
  });

  const work = freshDirectory();
  let child: ChildProcess | undefined;
  afterEach(() => child?.kill());

  inEveryShell(HOST_SHELLS, (shell) => {
    it('is read from a process, without its other variables', async () => {
      child = spawn('sleep', ['600'], {
        env: { ETCD_CLIENT_CERT_AUTH: 'false', ETCD_HEARTBEAT_INTERVAL: '100', ETCD_ROOT_PASSWORD: 'a secret', PATH: process.env['PATH'] },
      });
      const host = new MadeUpHost({
        root: work.path,
        programs: {
          systemctl: answering({ words: shown({ files: [work.at('etc/default/etcd'), work.at('etc/more')], pid: child.pid ?? 0 }) }),
        },
        paths: ['/etc'],
      });
      host.write('/etc/more', '# ETCD_CLIENT_CERT_AUTH=no\n ETCD_HEARTBEAT_INTERVAL=250\nETCD_ROOT_PASSWORD=x\n');
      host.write('/etc/systemd/system/etcd.service.d/open.conf', '[Service]\n');
      let seen = '';
      const told = host.observation(unitInForce({ ...options, environmentFile: host.at('/etc/default/etcd') }));
      const state = await observe(shell, {
        ...told,
        parse: (each) => {
          seen = each.out.toString('utf8');
          return told.parse(each);
        },
      });
      expect(state.running).toEqual([open]);
      expect(state.next).toEqual([{ name: 'ETCD_HEARTBEAT_INTERVAL', wanted: '100', is: '250' }]);
      expect(state.dropIns).toEqual([host.at(DROP_IN)]);
      expect(seen).not.toMatch(/secret|PASSWORD/u);
      expect(host.calls()).toHaveLength(1);
    });
  });
});
