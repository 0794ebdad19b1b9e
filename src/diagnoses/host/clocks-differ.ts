import { CLOCK_OFFSET, defineDiagnosis } from '../../index.js';
import { variablesIfAny } from '../../../roles/shared/variables.js';

/** Seconds that clocks may be apart where no role says. */
const USUAL = 5;

/** Two hosts have different times. */
export default defineDiagnosis({
  name: 'clocks-differ',
  looksAt: 'whether the clocks agree',
  find: ({ view }) => {
    const seen = view.inventory.hosts.flatMap((host) => {
      const offset = view.read(host.name, CLOCK_OFFSET);
      return offset === undefined ? [] : [{ host, offset }];
    });
    const slow = [...seen].sort((a, b) => a.offset.most - b.offset.most)[0];
    const fast = [...seen].sort((a, b) => b.offset.least - a.offset.least)[0];
    if (slow === undefined || fast === undefined) return [];
    // On a busy host seconds pass between its reading of the clock and its answer; this much they differ by for sure.
    const seconds = (fast.offset.least - slow.offset.most) / 1000;
    if (seconds <= (variablesIfAny(slow.host, 'base')?.max_clock_skew ?? USUAL)) return [];
    return [
      {
        level: 'danger' as const,
        what: `the clocks of ${slow.host.name} and ${fast.host.name} differ by at least ${seconds.toFixed(1)} s`,
        evidence: seen.map(({ host: { name }, offset: { least, most } }) => ({
          host: name,
          source: 'clock',
          line: `between ${(least / 1000).toFixed(1)} and ${(most / 1000).toFixed(1)} s ahead of this machine`,
        })),
        follows:
          'logs of the hosts do not fit together, certificates count from another moment, and a recovery to a time takes the wrong one',
        mend: `have both follow one source: \`chronyc tracking || timedatectl\`, as root on ${slow.host.name} and ${fast.host.name}, shows which is wrong`,
      },
    ];
  },
});
