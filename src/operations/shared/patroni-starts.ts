import { command, endPutOff, isPutOff, sh, type Resource, type RoleContext } from '../../index.js';

/** Patroni runs, and starts at boot again where pgprov had stopped it. */
export function patroniStarts({ platform: { patroni } }: RoleContext): Resource {
  return command({
    name: 'start-patroni',
    summary: `start ${patroni.unit}`,
    unless: sh`systemctl -q is-active ${patroni.unit} && ! ${isPutOff(patroni.unit)}`,
    run: sh`if ${isPutOff(patroni.unit)}; then
systemctl -q enable ${patroni.unit}
${endPutOff(patroni.unit)}
fi
systemctl reset-failed ${patroni.unit} 2>/dev/null || :
if ! timeout 90 systemctl start ${patroni.unit}; then
echo ${`${patroni.unit} did not start; its last words:`}
journalctl -u ${patroni.unit} -n 12 -o cat --no-pager 2>/dev/null || :
exit 1
fi`,
  });
}
