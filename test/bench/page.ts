/** How soon the page shows what there is, in a real browser that has nothing of it yet, and what it weighs on the way. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { launchChromium } from '../support/chromium.ts';
import { startService } from './processes.ts';

const rounds = 7;
const tokensHeld = 60;

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]!;

/** `print` takes one line after the other. */
export async function page(folder: () => string, print: (line: string) => void): Promise<void> {
  const browser = await launchChromium();
  print(`from asking for the page to its first live data, an empty cache each time (median of ${rounds})`);
  try {
    for (const tokens of [100, 10_000]) await measure(browser, tokens, folder(), print);
  } finally {
    await browser.close();
  }
  weigh(print);
}

async function measure(
  browser: Browser,
  tokens: number,
  dataDir: string,
  print: (line: string) => void,
): Promise<void> {
  const service = await startService({ DATA_DIR: dataDir, POOL_SIZE: String(tokens), TTL_MS: '3600000' });
  for (let held = 0; held < tokensHeld; held++)
    await fetch(`${service.url}/api/tokens/allocate`, { method: 'POST' });
  const docs: number[] = [];
  const shown: number[] = [];
  for (let round = 0; round < rounds; round++) {
    docs.push(await timeTo(browser, `${service.url}/docs`, '.info .version'));
    shown.push(await timeTo(browser, `${service.url}/visualizer`, '.count-active dd'));
  }
  await service.stop();
  const ratio = median(shown) / median(docs);
  print(
    `  ${tokens.toLocaleString('en')} tokens`.padEnd(16) +
      `${Math.round(median(shown))} ms, beside ${Math.round(median(docs))} ms for /docs: ratio ${ratio.toFixed(2)}`,
  );
}

/** Until an element `shows` a number. In a profile of its own, so that nothing is cached. */
async function timeTo(browser: Browser, url: string, shows: string): Promise<number> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const tab = await context.newPage();
  const startedAt = performance.now();
  await tab.goto(url, { waitUntil: 'commit' });
  await tab.locator(shows, { hasText: /[1-9]/ }).first().waitFor();
  const elapsedMs = performance.now() - startedAt;
  await context.close();
  return elapsedMs;
}

function weigh(print: (line: string) => void): void {
  const folder = join(import.meta.dirname, '../../dist/page');
  const files = readdirSync(folder).filter((name) => name.endsWith('.gz'));
  const bytes = (names: string[]) => names.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
  // What the page itself names is asked for at once, the rest by what needs it.
  const html = readFileSync(join(folder, 'index.html'), 'utf8');
  const first = files.filter((name) => name === 'index.html.gz' || html.includes(name.replace(/\.gz$/, '')));
  const kilobytes = (names: string[]) => `${(bytes(names) / 1024).toFixed(1)} KB`;
  print(
    `as it is sent (gzip): ${kilobytes(first)} for the first picture; ${kilobytes(files)} with all that is loaded later`,
  );
}
