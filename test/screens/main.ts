import { mkdir, rm, writeFile } from 'node:fs/promises';
import { homedir, hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { stringify } from 'yaml';
import { labInventory, LAB_DIR, removeLab, startHosts } from '../lab/index.js';
import { Browser, CHROMIUM } from '../support/browser.js';
import { terminalSvg } from './svg.js';
import { record, type Screen, screensOf, type Size } from './terminal.js';

const NETWORK = 'screens';
/** Messages name it, so it is one that anybody could have. */
const DIRECTORY = '/srv/demo';
const IMAGES = join(process.cwd(), 'docs', 'images');
const PROGRAM = `${process.execPath} ${join(process.cwd(), 'bin', 'pgprov.js')}`;

/** What a page of documentation is as wide as. */
const SIZE: Size = { columns: 100, rows: 36 };

if (CHROMIUM === undefined) throw new Error('pictures of the report need Chromium: apt-get install chromium');
await mkdir(IMAGES, { recursive: true });
await mkdir(DIRECTORY);
try {
  const hosts = await startHosts(['pg1', 'pg2', 'pg3'].map((name) => ({ name, os: 'debian13', network: NETWORK })));
  await writeFile(join(DIRECTORY, 'inventory.yml'), stringify(await labInventory(hosts)));
  await film('apply', 'apply --report run.html', 4);
  await photograph('status', 'status');
  await film('switchover', 'switchover', 1);
  await photographPage('report', join(DIRECTORY, 'run.html'), 'Where the time went');
} finally {
  await rm(DIRECTORY, { recursive: true, force: true });
  await removeLab(NETWORK);
}

/** A recording, played so many times faster. */
async function film(name: string, args: string, speed: number): Promise<void> {
  await put(name, await screensOf(await run(args, SIZE), SIZE, 500 * speed), args, speed);
}

/** What stands there in the end, however long it is. */
async function photograph(name: string, args: string): Promise<void> {
  const size = { ...SIZE, rows: 100 };
  await put(name, (await screensOf(await run(args, size), size, 1000)).slice(-1), args, 1);
}

function run(args: string, size: Size): ReturnType<typeof record> {
  process.stdout.write(`pgprov ${args}\n`);
  return record(`${PROGRAM} ${args}`, `pgprov ${args}`, DIRECTORY, size);
}

async function put(name: string, screens: readonly Screen[], args: string, speed: number): Promise<void> {
  const title = `pgprov ${args}${speed === 1 ? '' : ` (played ${speed} times faster)`}`;
  const svg = terminalSvg(screens, { columns: SIZE.columns, title, speed });
  const own = [process.cwd(), LAB_DIR, homedir(), hostname()].filter((word) => svg.includes(word));
  if (own.length > 0) throw new Error(`${name}.svg shows ${own.join(', ')} of this machine`);
  await writeFile(join(IMAGES, `${name}.svg`), svg);
}

/** A page down to a heading, for those who prefer light pages and those who prefer dark ones. */
async function photographPage(name: string, page: string, until: string): Promise<void> {
  const browser = await Browser.start();
  try {
    for (const scheme of ['light', 'dark'] as const) {
      await browser.open(pathToFileURL(page).href, { width: 1000, scheme });
      const height = await browser.evaluate<number>(`(() => {
        document.body.innerHTML = document.body.innerHTML.replaceAll(${JSON.stringify(`${userInfo().username}@${hostname()}`)}, 'ann@laptop');
        return [...document.querySelectorAll('h2')].find(({ textContent }) => textContent.trim() === ${JSON.stringify(until)}).getBoundingClientRect().top;
      })()`);
      await writeFile(join(IMAGES, `${name}-${scheme}.webp`), await browser.picture({ height: Math.floor(height) - 12 }), 'base64');
    }
  } finally {
    await browser.close();
  }
}
