/** The page in a real browser, while the pool is at work: what happens over REST is seen, and what is clicked happens. */
import { describe, expect, it } from 'vitest';
import { useBrowser } from './support/browser.ts';
import { freshDatabase } from './support/databases.ts';
import { startService } from './support/process.ts';
import { allocate, patience, shortOf, Visualizer } from './support/visualizer.ts';

useBrowser();

const served = async (env: Record<string, string> = {}) => startService(await freshDatabase('postgres'), env);

describe('the page', () => {
  it('shows a tile change when its token is granted, and when it is released, over REST', async () => {
    const service = await served({ POOL_SIZE: '2' });
    const first = await allocate(service, 'ada');
    const page = await Visualizer.open(service, `?token=${first.token_id}`);
    await page.counts('Active', 1);
    await page.tileSays(/active, held by ada/);
    const before = await page.canvas.screenshot();
    await allocate(service, 'bob');
    await page.counts('Active', 2);
    expect(before.equals(await page.canvas.screenshot())).toBe(false);
    await service.post(`/api/tokens/${first.token_id}/release`);
    await page.tileSays(/available/);
    await page.counts('Active', 1);
  });

  it('follows an eviction: who is next, who has the token then, its history, and each message', async () => {
    const service = await served({ POOL_SIZE: '2' });
    const first = await allocate(service, 'ada');
    await allocate(service, 'bob');
    const page = await Visualizer.open(service, `?token=${first.token_id}`);
    await page.tileSays(/number 1 to be evicted/);
    const messages = page.region('Messages');
    // They are listened to from the beginning, wherever one has scrolled to.
    await expect.poll(() => messages.textContent(), patience).toContain('since you look on');
    await allocate(service, 'cleo');
    await page.tileSays(/held by cleo/);
    const history = page.panel(first.token_id).getByRole('region', { name: 'History' });
    await expect.poll(() => history.getByRole('listitem').allTextContents(), patience).toHaveLength(2);
    const [now, before] = await history.getByRole('listitem').allTextContents();
    expect(now).toContain('cleo');
    expect(before).toContain('ada');
    expect(before).toContain('evict');
    await expect.poll(() => messages.textContent(), patience).toContain('EVICT');
    const said = (await messages.textContent())!;
    for (const each of ['ALLOCATE', 'fact released lru_eviction']) expect(said).toContain(each);
    const order = await messages.getByRole('list', { name: 'The same in words' }).textContent();
    // The commit of its facts is told where it belongs, and the answer after it.
    expect(order).toMatch(/fact activated .*journal → pool commit.*pool → route granted/);
    expect(await messages.getByRole('list', { name: /Steps/ }).getByRole('listitem').count()).toBe(1);
    expect(said).not.toContain(first.lease_id);
  });

  it('releases, keeps alive, withdraws and restores by its buttons', async () => {
    const service = await served({ POOL_SIZE: '2' });
    const { token_id, expires_at } = await allocate(service, 'ada');
    const page = await Visualizer.open(service, `?token=${token_id}`);
    await page.panel(token_id).getByRole('button', { name: 'Keep alive' }).click();
    const at = async () =>
      (await service.get<{ expires_at: string }>(`/api/tokens/${token_id}`)).body.expires_at;
    await expect.poll(at, patience).not.toBe(expires_at);
    await page.panel(token_id).getByRole('button', { name: 'Release' }).click();
    await page.tileSays(/available/);
    await page.panel(token_id).getByRole('button', { name: 'Withdraw' }).click();
    await page.tileSays(/withdrawn/);
    await page.counts('Withdrawn', 1);
    await page.panel(token_id).getByRole('button', { name: 'Restore' }).click();
    await page.tileSays(/available/);
    const { body } = await service.get<{ events: { type: string }[] }>('/api/events?order=asc');
    expect(body.events.map(({ type }) => type)).toEqual([
      ...['opened', 'activated', 'renewed', 'released', 'withdrawn', 'restored'],
    ]);
  });

  it('glows in the state that the token is in, and marks the transition that it has just taken', async () => {
    const service = await served({ POOL_SIZE: '1' });
    const { token_id } = await allocate(service, 'ada');
    const page = await Visualizer.open(service, `?token=${token_id}`, { reducedMotion: 'reduce' });
    const chart = page.page.getByRole('img', { name: /State chart of the token/ });
    await expect.poll(() => chart.getAttribute('aria-label'), patience).toContain('in active');
    await expect
      .poll(
        () => page.page.getByRole('img', { name: /State chart of the pool/ }).getAttribute('aria-label'),
        patience,
      )
      .toContain('in serving');
    await service.post(`/api/tokens/${token_id}/release`);
    await expect.poll(() => chart.getAttribute('aria-label'), patience).toContain('in available');
  });

  it('finds tokens by their users, and chooses the first of them', async () => {
    const service = await served({ POOL_SIZE: '20' });
    const leases = [];
    for (const user of ['ada', 'bob', 'bobby']) leases.push(await allocate(service, user));
    const page = await Visualizer.open(service);
    const search = page.page.getByRole('searchbox', { name: /Find tokens/ });
    await search.fill('bob');
    await page.isSaid('Matches', '2');
    await search.press('Enter');
    await page.tileSays(new RegExp(`${shortOf(leases[1]!.token_id)}.*held by bob`));
    await search.fill(leases[0]!.token_id);
    await page.isSaid('Matches', '1');
  });

  it('says that it has lost the service, and goes on where it was when that is back', async () => {
    const where = await freshDatabase('postgres');
    const service = await startService(where, { POOL_SIZE: '3' });
    const page = await Visualizer.open(service, '', { mayComplain: /Failed to load resource|ERR_/ });
    await allocate(service, 'ada');
    await page.counts('Active', 1);
    await service.stop('SIGKILL');
    await expect.poll(() => page.status('Connection').textContent(), patience).not.toContain('Live');
    const again = await startService(where, { POOL_SIZE: '3', PORT: new URL(service.url).port });
    await page.isSaid('Connection', 'Live');
    await allocate(again, 'bob');
    await page.counts('Active', 2);
  });

  it('asks for no more with each fact: what comes by itself is enough', async () => {
    const service = await served({ POOL_SIZE: '2' });
    const { token_id } = await allocate(service, 'ada');
    const page = await Visualizer.open(service, `?token=${token_id}`);
    const facts = page.panel(token_id).getByRole('region', { name: 'Facts' }).getByRole('listitem');
    await expect.poll(() => facts.count(), patience).toBe(1);
    await page.button('Close the token').click();
    const newest = page.region('Newest facts').getByRole('listitem');
    await expect.poll(() => newest.count(), patience).toBe(2);
    const asked: string[] = [];
    page.page.on('request', (request) => asked.push(new URL(request.url()).pathname));
    for (const user of ['bob', 'cleo', 'dan', 'eve']) {
      const before = await newest.count();
      await allocate(service, user);
      await expect.poll(() => newest.count(), patience).toBeGreaterThan(before);
      await expect.poll(() => newest.first().textContent(), patience).toContain(user);
    }
    expect(asked.filter((path) => path.endsWith('/events'))).toEqual([]);
    expect(asked.filter((path) => path.endsWith('/statistics')).length).toBeLessThan(4);
  });

  it('knows what happened to a token while nothing could be heard', async () => {
    const service = await served({ POOL_SIZE: '1' });
    const { token_id } = await allocate(service, 'ada');
    const page = await Visualizer.open(service, `?token=${token_id}`);
    const facts = page.panel(token_id).getByRole('region', { name: 'Facts' }).getByRole('listitem');
    await expect.poll(() => facts.count(), patience).toBe(1);
    const goes = page.page.waitForEvent('requestfailed', (request) =>
      request.url().includes('/events/stream'),
    );
    await page.turn('hidden');
    await goes;
    await service.post(`/api/tokens/${token_id}/release`);
    await allocate(service, 'bob');
    await page.turn('visible');
    await expect.poll(() => facts.count(), patience).toBe(3);
  });

  it('keeps of a token that is never at rest the newest facts only, and reads older ones when asked', async () => {
    const service = await served({ POOL_SIZE: '1' });
    const { token_id } = await allocate(service, 'ada');
    const page = await Visualizer.open(service, `?token=${token_id}`);
    const facts = page.panel(token_id).getByRole('region', { name: 'Facts' }).getByRole('listitem');
    await expect.poll(() => facts.count(), patience).toBe(1);
    for (let user = 0; user < 120; user++) await allocate(service, `user ${user}`);
    await expect.poll(() => facts.first().textContent(), patience).toContain('242');
    expect(await facts.count()).toBe(200);
    await page.button('Older facts').click();
    await expect.poll(() => facts.count(), patience).toBe(241);
  });

  it('works in four tabs beside each other, of which one listens to messages', async () => {
    const service = await served({ POOL_SIZE: '2' });
    const first = await Visualizer.open(service);
    const tabs = [first];
    for (let tab = 1; tab < 4; tab++) {
      const page = await first.page.context().newPage();
      await page.goto(`${service.url}/visualizer`);
      tabs.push(new Visualizer(page));
    }
    for (const tab of tabs) {
      await tab.isSaid('Connection', 'Live');
      await tab.region('Messages').scrollIntoViewIfNeeded();
      await expect.poll(() => tab.region('Messages').textContent(), patience).toContain('since you look on');
    }
    for (const tab of tabs) await tab.button('Allocate').click();
    for (const tab of tabs) {
      await tab.isSaid('What became of it', '1 token allocated');
      await expect.poll(() => tab.region('Newest facts').textContent(), patience).toContain('visitor');
    }
    const isElsewhere = (tab: Visualizer) =>
      expect.poll(() => tab.button('Listen here').count(), patience).toBe(1);
    await isElsewhere(tabs[1]!);
    await tabs[1]!.region('Messages').scrollIntoViewIfNeeded();
    await tabs[1]!.button('Listen here').dispatchEvent('click');
    await isElsewhere(tabs[0]!);
  });

  it('leaves the line when somebody goes to another pool, and has connections left in the meantime', async () => {
    const service = await served({ POOL_SIZE: '2' });
    await service.post('/api/pools', { name: 'narrow', size: 1, when_full: 'wait' });
    await service.post('/api/pools/narrow/tokens/allocate', { user_id: 'ada' });
    const page = await Visualizer.open(service, '?pool=narrow', { mayComplain: /ERR_ABORTED/ });
    await page.button('Allocate').click();
    await page.isSaid('What became of it', 'waits in line, at place 1.');
    await page.button('Allocate 10').click();
    await page.counts('Waiting', 2);
    await page.page.getByRole('combobox', { name: 'Pool' }).selectOption('default');
    await page.counts('Available', 2);
    await page.button('Allocate').click();
    await page.isSaid('What became of it', '1 token allocated');
    const waiting = async () => (await service.get<{ total: number }>('/api/pools/narrow/queue')).body.total;
    await expect.poll(waiting, patience).toBe(0);
  });

  it('says at once who waits in line, and then that they have been granted a token', async () => {
    const service = await served();
    const pool = '/api/pools/narrow';
    await service.post('/api/pools', { name: 'narrow', size: 1, when_full: 'wait' });
    const { body } = await service.post<{ token_id: string }>(`${pool}/tokens/allocate`, { user_id: 'ada' });
    const page = await Visualizer.open(service, '?pool=narrow');
    await page.button('Allocate').click();
    await page.isSaid('What became of it', 'waits in line, at place 1.');
    await service.post(`${pool}/tokens/${body.token_id}/release`);
    await page.isSaid('What became of it', ', after waiting in line.');
  });

  it('copies its link where a browser gives no clipboard, as without TLS', async () => {
    const service = await served({ POOL_SIZE: '2' });
    const page = await Visualizer.open(service);
    await page.page.evaluate(`Object.defineProperty(navigator, 'clipboard', { value: undefined })`);
    await page.button('Copy link').click();
    await expect.poll(() => page.button('Copied').count(), patience).toBe(1);
  });
});
