import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { RunEvent } from '../../../src/events.js';
import { Browser, CHROMIUM } from '../../support/browser.js';
import { sharedDirectory } from '../../support/directory.js';
import { eventfulRun, pageOf, wideRun } from './runs.js';
import { patience } from '../../support/patience.js';

/** Texts whose contrast with what is behind them is too low (WCAG 2.2, 1.4.3), with the ratio. */
const LOW_CONTRAST = `(() => {
  const rgb = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)).reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (element) => { const color = rgb(getComputedStyle(element).backgroundColor); return color[3] === 0 ? (element.parentElement === null ? [255, 255, 255] : behind(element.parentElement)) : color; };
  const found = new Map();
  document.querySelectorAll('details').forEach((details) => { details.open = true; });
  for (const element of document.querySelectorAll('body *')) {
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== '') || element.closest('title, .hidden')) continue;
    const style = getComputedStyle(element);
    const [a, b] = [light(rgb(element.closest('svg') ? style.fill : style.color)), light(behind(element))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const large = parseFloat(style.fontSize) >= 24 || (parseFloat(style.fontSize) >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) found.set(element.tagName + '.' + element.className, ratio);
  }
  return [...found];
})()`;

const SIZES = { scroll: 'document.documentElement.scrollWidth', inner: 'innerWidth' };

const HOSTILE = `"><script>document.title = 'broken out'</script><img src=x onerror="document.title = 'broken out'"><style>body{display:none}</style>`;

const PAGES: Readonly<Record<string, () => string>> = {
  eventful: () => pageOf(eventfulRun()),
  wide: () => pageOf(wideRun(200)),
  'long words': () =>
    pageOf(eventfulRun(), {
      cluster: 'c'.repeat(200),
      command: `pgprov apply --set ${'x'.repeat(300)}`,
      facts: [{ label: 'Inventory', text: `/home/${'y'.repeat(300)}` }],
    }),
};

describe.skipIf(CHROMIUM === undefined)(
  `the page of a run in a browser${CHROMIUM === undefined ? ' (skipped: there is no Chromium here)' : ''}`,
  () => {
    const work = sharedDirectory();
    let browser: Browser;
    beforeAll(async () => {
      browser = await Browser.start();
    }, patience(60_000));
    afterAll(() => browser.close());

    const put = (name: string, page: string): string => {
      const path = work.at(`${name.replaceAll(' ', '-')}.html`);
      writeFileSync(path, page);
      return pathToFileURL(path).href;
    };

    const cases = Object.keys(PAGES).flatMap((name) =>
      [360, 1440].flatMap((width) => (['light', 'dark'] as const).map((scheme) => ({ name, width, scheme }))),
    );

    it.each(cases)('$name fits $width pixels and can be read, $scheme', async ({ name, width, scheme }) => {
      await browser.open(put(name, PAGES[name]?.() ?? ''), { width, scheme });
      expect(await browser.evaluate(LOW_CONTRAST)).toEqual([]);
      const [scroll, inner] = [await browser.evaluate<number>(SIZES.scroll), await browser.evaluate<number>(SIZES.inner)];
      expect([inner, scroll]).toEqual([width, width]);
      expect(browser.complaints).toEqual([]);
    });

    it('has its own colours where people prefer dark mode', async () => {
      const url = put('schemes', pageOf(eventfulRun()));
      const background = async (scheme: 'light' | 'dark'): Promise<string> => {
        await browser.open(url, { width: 1440, scheme });
        return browser.evaluate('getComputedStyle(document.body).backgroundColor');
      };
      expect(await background('light')).not.toBe(await background('dark'));
    });

    it('runs no script that a value contains', async () => {
      const events = eventfulRun().map((event): RunEvent => (event.type === 'warning' ? { ...event, text: HOSTILE } : event));
      const page = pageOf(events, { cluster: `demo${HOSTILE}`, command: HOSTILE });
      await browser.open(put('hostile', page), { width: 1440, scheme: 'light' });
      expect(await browser.evaluate('document.title')).toContain('demo">');
      expect(await browser.evaluate('document.querySelectorAll("script, img").length + document.querySelectorAll("style").length')).toBe(1);
      expect(await browser.evaluate('document.querySelector("h1").textContent')).toBe(`demo${HOSTILE}`);
      expect(browser.complaints).toEqual([]);
    });
  },
);
