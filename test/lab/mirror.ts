import { createHash } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { hasImage, importImage, removeOlder } from './image-store.js';
import { inLab, LAB_ID, RECIPES } from './paths.js';
import { attempt, run, say, sleep } from './process.js';

/** The container that serves the imitated archives to every network of this lab. */
export const MIRROR_CONTAINER = `pgprov-${LAB_ID}-mirror`;

const NGINX = `
user root;
worker_processes 2;
daemon off;
pid /run/nginx.pid;
error_log stderr warn;
events { worker_connections 512; }
http {
  log_format lab '$scheme://$host$request_uri $status';
  access_log /dev/stdout lab;
  default_type application/octet-stream;
  server {
    listen 80 default_server;
    listen 443 ssl default_server;
    ssl_certificate /keys/server.crt;
    ssl_certificate_key /keys/server.key;
    root /sites/$host;
  }
}
`;

/** Starts the mirror unless it runs already; returns whether its container is new, and so in no network yet. */
export async function ensureMirror(): Promise<boolean> {
  const recipe = await readFile(join(RECIPES, 'mirror.sh'));
  const hash = createHash('sha256').update(recipe).update(NGINX).digest('hex').slice(0, 12);
  const image = `pgprov-lab/mirror:${LAB_ID}-${hash}`;
  await ensureMirrorImage(image);

  // Keys are made anew when the lab's folder was deleted, and a container from before would go on serving the deleted one.
  const folder = createHash('sha256')
    .update(await readFile(inLab('keys', 'server.crt')))
    .digest('hex')
    .slice(0, 12);
  const state =
    await attempt`docker inspect --format ${'{{.Config.Image}} {{.Config.Labels.folder}} {{.State.Running}}'} ${MIRROR_CONTAINER}`;
  if (state.stdout.trim() === `${image} ${folder} true`) return false;
  if (state.stdout.trim() === `${image} ${folder} false`) {
    await run`docker start ${MIRROR_CONTAINER}`;
    return false;
  }
  say('starting the package mirror');
  await attempt`docker rm --force ${MIRROR_CONTAINER}`;
  const configuration = inLab('nginx.conf');
  await writeFile(configuration, NGINX);
  const mounts = [
    [inLab('sites'), '/sites'],
    [inLab('keys'), '/keys'],
    [configuration, '/nginx.conf'],
  ].flatMap(([from, to]) => ['--volume', `${from}:${to}:ro`]);
  const log = ['--log-driver', 'json-file', '--log-opt', 'max-size=5m'];
  const labels = ['--label', `pgprov.lab=${LAB_ID}`, '--label', 'pgprov.lab.role=mirror', '--label', `folder=${folder}`];
  await run`docker run --detach --name ${MIRROR_CONTAINER} ${labels} ${log} ${mounts} --tmpfs /run --tmpfs /tmp ${image} nginx -c /nginx.conf`;
  await sleep(500);
  const now = await run`docker inspect --format ${'{{.State.Running}}'} ${MIRROR_CONTAINER}`;
  if (now.stdout.trim() !== 'true')
    throw new Error(`the package mirror ended at once:\n${(await run`docker logs ${MIRROR_CONTAINER}`).stdall}`);
  await removeOlder(image);
  return true;
}

/** What was asked of the mirror since it was started, one `URL STATUS` a line; shows which archives a host really used. */
export async function mirrorRequests(): Promise<string[]> {
  const { stdout } = await run`docker logs ${MIRROR_CONTAINER}`;
  return stdout.split('\n').filter((line) => line !== '');
}

async function ensureMirrorImage(image: string): Promise<void> {
  if (await hasImage(image)) return;
  say('building the image of the package mirror (a few seconds)');
  const folder = inLab('build', 'mirror');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  const tar = join(folder, 'root.tar');
  const build = await attempt`sh ${join(RECIPES, 'mirror.sh')} ${tar}`;
  if (build.exitCode !== 0) throw new Error(`building the image of the mirror failed:\n${build.stdall}`);
  await importImage(tar, image);
  await rm(folder, { recursive: true, force: true });
}
