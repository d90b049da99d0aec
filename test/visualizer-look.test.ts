/** How the page is served and looks: at three widths, light and dark, with keys alone, in large pools and without a line of script in it. */
import { describe, expect, it } from 'vitest';
import { barriersOf, useBrowser, widths } from './support/browser.ts';
import { freshDatabase } from './support/databases.ts';
import { type ServiceProcess, startService } from './support/process.ts';
import { allocate, patience, Visualizer } from './support/visualizer.ts';

useBrowser();

const served = async (env: Record<string, string> = {}) => startService(await freshDatabase('postgres'), env);

async function busy(): Promise<{ service: ServiceProcess; tokenId: string }> {
  const service = await served({ POOL_SIZE: '30' });
  let tokenId = '';
  for (let user = 0; user < 40; user++) tokenId = (await allocate(service, `user ${user}`)).token_id;
  await service.post(`/api/tokens/${tokenId}/withdraw`, { note: 'cable' });
  return { service, tokenId };
}

describe('the page', () => {
  it.each(Object.entries(widths))(
    'fits a %s and keeps nobody out, in light and dark',
    async (_, viewport) => {
      const { service, tokenId } = await busy();
      for (const colorScheme of ['light', 'dark'] as const) {
        const { page } = await Visualizer.open(service, `?token=${tokenId}`, { viewport, colorScheme });
        await page.getByRole('img', { name: /State chart of the pool/ }).waitFor();
        await page.getByRole('region', { name: 'Last hour' }).locator('canvas').first().waitFor();
        const wide = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
        expect(wide, 'it scrolls sideways').toBeLessThanOrEqual(0);
        expect(await barriersOf(page)).toEqual([]);
      }
    },
  );

  it('brings a token into view that is tapped on a phone, and its past within reach', async () => {
    const service = await served({ POOL_SIZE: '4' });
    const page = await Visualizer.open(service, '', { viewport: widths.phone, reducedMotion: 'reduce' });
    await page.page.getByRole('listbox', { name: 'Tokens' }).click({ position: { x: 60, y: 40 } });
    const top = async () => (await page.page.locator('.token-panel').boundingBox())!.y;
    await expect.poll(top, patience).toBeLessThan(widths.phone.height / 2);
    expect(await page.page.getByLabel('Instant').isVisible()).toBe(true);
    expect(await page.button('Go').isVisible()).toBe(true);
    await page.button('Close the token').click();
    await expect.poll(top, patience).toBeGreaterThan(widths.phone.height / 2);
  });

  it('can be used with keys alone', async () => {
    const { service } = await busy();
    const page = await Visualizer.open(service);
    const tiles = page.page.getByRole('listbox', { name: 'Tokens' });
    await tiles.focus();
    await tiles.press('Home');
    const tokenId = async () => /^Token (\w+)/.exec((await page.tile().textContent()) ?? '')?.[1];
    const first = await tokenId();
    await tiles.press('ArrowRight');
    await expect.poll(tokenId, patience).not.toBe(first);
    await tiles.press('ArrowLeft');
    await expect.poll(tokenId, patience).toBe(first);
  });

  it('moves nothing where motion is not wanted', async () => {
    const { service } = await busy();
    const { page } = await Visualizer.open(service, '', { reducedMotion: 'reduce' });
    await page.getByRole('img', { name: /State chart of the pool/ }).waitFor();
    const running = () => page.evaluate<number>('document.getAnimations().length');
    expect(await running()).toBe(0);
    await allocate(service, 'ada');
    await expect.poll(running, patience).toBe(0);
  });

  it('shows ten thousand tokens without an element for each', async () => {
    const service = await served({ POOL_SIZE: '10000' });
    for (let user = 0; user < 20; user++) await allocate(service, `user ${user}`);
    const page = await Visualizer.open(service);
    await page.counts('Active', 20);
    await page.counts('Available', 9980);
    expect(await page.page.evaluate<number>('document.querySelectorAll("*").length')).toBeLessThan(3000);
    await allocate(service, 'zoë');
    await page.counts('Active', 21);
    const search = page.page.getByRole('searchbox', { name: /Find tokens/ });
    await search.fill('zoë');
    await page.isSaid('Matches', '1');
    await search.press('Enter');
    await page.tileSays(/held by zoë/);
    await page.button('List').click();
    expect(await page.page.evaluate<number>('document.querySelectorAll("*").length')).toBeLessThan(3000);
  });
});

describe('what the page is made of', () => {
  it('comes from the service alone, under a policy that allows no inline script, and each asset may be kept for ever', async () => {
    const service = await served();
    const answer = await fetch(`${service.url}/visualizer`);
    const policy = answer.headers.get('content-security-policy')!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(answer.headers.get('cache-control')).toBe('no-cache');
    const html = await answer.text();
    expect(html).not.toMatch(/<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|https?:\/\/(?!www\.w3\.org)/);
    const assets = [...html.matchAll(/(?:src|href)="(\/visualizer\/[^"]+)"/g)].map(([, path]) => path!);
    expect(assets.length).toBeGreaterThanOrEqual(2);
    for (const path of assets) {
      const { status, headers } = await fetch(service.url + path);
      expect(status).toBe(200);
      expect(path).toMatch(/-[A-Z0-9]{8}\.(js|css)$/);
      expect(headers.get('cache-control')).toContain('immutable');
      expect(headers.get('content-encoding')).toBe('gzip');
    }
  });

  it.each(['index.html', 'main.js', '..%2fmain.js', 'main.js.gz', '%00'])('has no asset %s', async (name) => {
    const service = await served();
    const answer = await fetch(`${service.url}/visualizer/${name}`);
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(answer.status).toBeLessThan(500);
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
  });
});
