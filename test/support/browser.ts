import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

/** The program of a Chromium that is installed here; undefined when there is none. */
export const CHROMIUM = NAMES.find((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status === 0);

/** How a page is looked at. */
export interface Viewport {
  width: number;
  scheme: 'light' | 'dark';
}

interface Answer {
  id?: number;
  method?: string;
  sessionId?: string;
  params?: { entry?: { level: string; text: string } };
  result?: Record<string, unknown>;
  error?: { message: string };
}

/** A headless Chromium that is spoken to through its debugging pipe: JSON, each message ended by a zero byte. */
export class Browser {
  readonly #process: ChildProcess;
  readonly #profile: string;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #session: string | undefined;
  #last = 0;
  /** What the browser complained about, such as what a page's policy forbids. */
  readonly complaints: string[] = [];

  private constructor() {
    this.#profile = mkdtempSync(join(tmpdir(), 'pgprov-browser-'));
    // Without a sandbox, for the tests may run as root.
    this.#process = spawn(
      CHROMIUM ?? 'chromium',
      [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-dev-shm-usage',
        '--hide-scrollbars',
        `--user-data-dir=${this.#profile}`,
        '--remote-debugging-pipe',
        'about:blank',
      ],
      {
        stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
      },
    );
    let text = '';
    (this.#process.stdio[4] as Readable).on('data', (chunk: Buffer) => {
      const messages = (text + chunk.toString('utf8')).split('\0');
      text = messages.pop() ?? '';
      messages.forEach((message) => this.#take(JSON.parse(message) as Answer));
    });
  }

  static async start(): Promise<Browser> {
    const browser = new Browser();
    const { targetInfos } = (await browser.#send('Target.getTargets')) as { targetInfos: { targetId: string; type: string }[] };
    const page = targetInfos.find(({ type }) => type === 'page');
    const { sessionId } = (await browser.#send('Target.attachToTarget', { targetId: page?.targetId, flatten: true })) as {
      sessionId: string;
    };
    browser.#session = sessionId;
    await browser.#send('Log.enable');
    await browser.#send('Page.enable');
    return browser;
  }

  /** Opens an address as a screen of that width would show it. */
  async open(url: string, { width, scheme }: Viewport): Promise<void> {
    await this.#send('Emulation.setDeviceMetricsOverride', { width, height: 800, deviceScaleFactor: 1, mobile: width < 600 });
    await this.#send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value: scheme }] });
    await this.#send('Page.navigate', { url });
    while ((await this.evaluate('location.href + document.readyState')) !== `${url}complete`)
      await new Promise((resolve) => setTimeout(resolve, 20));
  }

  /** The value of an expression in the page. */
  async evaluate<Value>(expression: string): Promise<Value> {
    const { result } = (await this.#send('Runtime.evaluate', { expression, returnByValue: true })) as { result: { value: Value } };
    return result.value;
  }

  /** A picture of the whole page, PNG in base64; with a height of its top, as WebP, which is smaller. */
  async picture({ height }: { height?: number } = {}): Promise<string> {
    const top =
      height === undefined
        ? {}
        : { format: 'webp', quality: 85, clip: { x: 0, y: 0, width: await this.evaluate('innerWidth'), height, scale: 1 } };
    const { data } = (await this.#send('Page.captureScreenshot', { captureBeyondViewport: true, ...top })) as { data: string };
    return data;
  }

  async close(): Promise<void> {
    const ended = new Promise((resolve) => this.#process.once('exit', resolve));
    this.#process.kill();
    await ended;
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }

  #take({ id, method, params, ...answer }: Answer): void {
    if (method === 'Log.entryAdded' && params?.entry !== undefined) this.complaints.push(params.entry.text);
    if (id === undefined) return;
    this.#waiting.get(id)?.(answer);
    this.#waiting.delete(id);
  }

  #send(method: string, params: object = {}): Promise<Record<string, unknown>> {
    this.#last += 1;
    const id = this.#last;
    (this.#process.stdio[3] as Writable).write(
      `${JSON.stringify({ id, method, params, ...(this.#session === undefined ? {} : { sessionId: this.#session }) })}\0`,
    );
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) =>
        error === undefined ? resolve(result ?? {}) : reject(new Error(`${method}: ${error.message}`)),
      );
    });
  }
}
