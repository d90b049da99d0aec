/** A real headless Chromium, Debian's own, and a page of the built service in it: whatever its console complains of fails the test. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';
import { launchChromium } from './chromium.ts';

/** The widths that the page is made for: a phone, a laptop and a wall; and a laptop enlarged fourfold. */
export const widths = {
  phone: { width: 390, height: 844 },
  laptop: { width: 1280, height: 800 },
  wall: { width: 2560, height: 1440 },
  enlarged: { width: 320, height: 256 },
};

let browser: Browser;

/** One browser for all tests of a file. */
export function useBrowser(): void {
  beforeAll(async () => {
    browser = await launchChromium();
  });
  afterAll(() => browser?.close());
}

export interface Visit extends BrowserContextOptions {
  /** What the console may say: the browser itself reports each answer that is an error, and each connection that is refused. */
  mayComplain?: RegExp;
}

/** A tab of its own. */
export async function visit(url: string, { mayComplain, ...options }: Visit = {}): Promise<Page> {
  const context = await browser.newContext({ viewport: widths.laptop, ...options });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  onTestFinished(async () => {
    await context.close();
    expect(complaints.filter((each) => !mayComplain?.test(each))).toEqual([]);
  });
  await page.goto(url);
  return page;
}

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export interface Barrier {
  id: string;
  impact: string | null;
  help: string;
  nodes: string[];
}

/** What keeps people out, as axe-core finds it: of serious or critical impact. */
export async function barriersOf(page: Page): Promise<Barrier[]> {
  // Not as an inline script: the page's policy refuses those.
  await page.evaluate(axe);
  const violations = await page.evaluate(async () => {
    // biome-ignore lint/suspicious/noExplicitAny: what axe-core leaves in the page
    const { violations } = await (globalThis as any).axe.run();
    // biome-ignore lint/suspicious/noExplicitAny: as above
    return violations.map(({ id, impact, help, nodes }: any) => ({
      id,
      impact,
      help,
      // biome-ignore lint/suspicious/noExplicitAny: as above
      nodes: nodes.map(({ html, failureSummary }: any) => `${html} ${failureSummary}`),
    }));
  });
  return (violations as Barrier[]).filter(({ impact }) => impact === 'serious' || impact === 'critical');
}
