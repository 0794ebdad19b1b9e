import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { etcdJoined, etcdVotes, type EtcdMembershipOptions } from '../../src/resources/etcd/membership.js';
import { statusQuestion } from '../../src/resources/etcd/client.js';
import { sh } from '../../src/shell/quote.js';
import { told } from '../support/http-answers.js';
import { freshDirectory } from '../support/directory.js';
import { answering, MadeUpHost } from '../support/made-up-host.js';
import { bringAbout, observe } from '../support/sections.js';
import { HOST_SHELLS, inEveryShell } from '../support/shells.js';

const url = (number: number): string => `https://10.0.0.${number}:2380`;
const options: EtcdMembershipOptions = {
  name: 'pg4',
  peerUrl: url(4),
  client: {
    endpoints: [4, 1, 2].map((number) => `https://10.0.0.${number}:2379`),
    caFile: '/etc/tls/ca.crt',
    certFile: '/etc/tls/node.crt',
    keyFile: '/etc/tls/node.key',
  },
  dataDirectory: '/var/lib/etcd/demo',
  environmentFile: '/etc/default/etcd',
  unit: 'etcd',
};
const SETTINGS = `ETCD_NAME="pg4"
ETCD_INITIAL_CLUSTER="pg1=${url(1)},pg2=${url(2)},pg4=${url(4)},pg5=${url(5)}"
ETCD_INITIAL_CLUSTER_STATE="new"
ETCD_INITIAL_CLUSTER_TOKEN="demo"
`;
/** etcdctl 3.5. */
const OTHERS = [1, 2].map((number) => `${number}, started, pg${number}, ${url(number)}, https://10.0.0.${number}:2379, false\n`).join('');
const UNSTARTED = `${OTHERS}a7, unstarted, , ${url(4)}, , true\n`;
const LEARNER = `${OTHERS}a7, started, pg4, ${url(4)}, https://10.0.0.4:2379, true\n`;

describe('a member of an etcd that exists', () => {
  const work = freshDirectory();
  const hostWith = (programs: Record<string, string>): MadeUpHost => {
    const host = new MadeUpHost({
      root: work.path,
      programs: { sleep: ':', systemctl: 'exit 1', journalctl: ':', ...programs },
      paths: ['/etc/tls', '/var/lib/etcd/demo', '/etc/default'],
    });
    host.write('/etc/tls/node.crt', '');
    host.write('/etc/default/etcd', SETTINGS);
    return host;
  };

  inEveryShell(HOST_SHELLS, (shell) => {
    it('is added as a learner, once etcd takes one, with the settings that join the others', async () => {
      const host = hostWith({
        etcdctl: answering(
          { words: OTHERS },
          { status: 1, words: '{"level":"warn"}\nError: etcdserver: too many learner members in cluster\n' },
          { words: OTHERS },
          { words: 'Member a7 added\n' },
          { words: UNSTARTED },
        ),
      });
      const { changes, answer, notes, left } = await bringAbout(shell, host.resource(etcdJoined(options)));
      expect(changes.map(({ summary }) => summary)).toEqual(['add pg4 to the members of etcd, as a learner']);
      expect([answer?.status, answer?.words, left]).toEqual([0, '', []]);
      expect(notes).toEqual(['waiting until etcd takes another member']);
      const commands = host.calls('etcdctl').map((call) => call.replace(/^etcdctl .*--command-timeout=\S+ /u, ''));
      expect(commands).toEqual([
        'member list',
        `member add pg4 --learner --peer-urls=${url(4)}`,
        'member list',
        `member add pg4 --learner --peer-urls=${url(4)}`,
        'member list',
      ]);
      expect(host.calls('etcdctl')[0]).toContain('--endpoints=https://10.0.0.1:2379,https://10.0.0.2:2379 ');
      expect(readFileSync(host.at('/etc/default/etcd'), 'utf8')).toBe(
        SETTINGS.replace('"new"', '"existing"').replace(/_CLUSTER=".*"/u, `_CLUSTER="pg1=${url(1)},pg2=${url(2)},pg4=${url(4)}"`),
      );
    });

    it('that was added by a run that was interrupted is not added again', async () => {
      const host = hostWith({
        etcdctl: answering({ words: UNSTARTED }),
      });
      const { changes, answer } = await bringAbout(shell, host.resource(etcdJoined(options)));
      expect([changes[0]?.summary, answer?.status]).toEqual(['add pg4 to the members of etcd, as a learner', 0]);
      expect(host.calls('etcdctl').every((call) => call.endsWith('member list'))).toBe(true);
      expect(readFileSync(host.at('/etc/default/etcd'), 'utf8')).toContain('"existing"');
    });

    it('is given its vote once it has caught up, and fails with etcd’s words where it does not', async () => {
      const status = 'https://10.0.0.4:2379/v3/maintenance/status';
      const answers = told({ [status]: '{"header":{"member_id":"9"},"isLearner":true}' }, [statusQuestion(options.client)]);
      const votes = { ...etcdVotes(options), sharedQuestions: [], probe: () => sh`printf 'data\n%s\n' ${answers}` };
      const behind = { status: 1, words: 'Error: etcdserver: can only promote a learner member which is in sync with leader\n' };
      const host = hostWith({ etcdctl: answering({ words: LEARNER }, behind, { words: LEARNER }, {}) });
      host.write('/var/lib/etcd/demo/member/x', '');
      const { changes, answer } = await bringAbout(shell, host.resource(votes));
      expect([changes[0]?.summary, answer]).toEqual(['give pg4 a vote in etcd, once it has caught up', { status: 0, words: '' }]);
      expect(host.calls('etcdctl').at(-1)).toMatch(/ member promote a7$/u);
      const late = hostWith({
        etcdctl: `case "$*" in *list) printf %s '${LEARNER}' ;; *) echo 'Error: no'; exit 1 ;; esac`,
        date: 'echo $((call * 1000))',
      });
      late.write('/var/lib/etcd/demo/member/x', '');
      const failed = await bringAbout(shell, late.resource(votes));
      expect(failed.answer).toEqual({ status: 1, words: 'it has no vote yet:\nError: no\n' });
    });

    it('has nothing to do where it has its data, and is a member with a vote', async () => {
      const host = hostWith({ curl: 'echo \'{"header":{}}\'' });
      host.write('/var/lib/etcd/demo/member/x', '');
      const state = await observe(shell, host.observation(etcdJoined(options)));
      expect(state).toEqual({ hasData: true, joins: false, learner: false });
      expect([etcdJoined(options).diff(state), etcdVotes(options).diff(state)]).toEqual([[], []]);
    });
  });
});
