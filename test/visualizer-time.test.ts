/** Time under one's hand, in a real browser: simulated time that is moved, and the log that is travelled back. */
import { describe, expect, it } from 'vitest';
import { useBrowser } from './support/browser.ts';
import { freshDatabase } from './support/databases.ts';
import { startService } from './support/process.ts';
import { allocate, patience, Visualizer } from './support/visualizer.ts';

useBrowser();

const simulated = async () =>
  startService(await freshDatabase('postgres'), { CLOCK: 'simulated', POOL_SIZE: '3' });

describe('the page on simulated time', () => {
  it('moves it by its buttons, and shows a lease run out at its deadline', async () => {
    const service = await simulated();
    const { token_id, expires_at } = await allocate(service, 'ada');
    const page = await Visualizer.open(service, `?token=${token_id}`);
    await page.tileSays(/held by ada, 2:00 left/);
    await page.button('+1 min').click();
    await page.tileSays(/held by ada, 1:00 left/);
    await page.button('+1 s').click();
    await page.tileSays(/held by ada, 0:59 left/);
    await page.button('To the next deadline').click();
    await page.tileSays(/available/);
    const { body } = await service.get<{ events: { type: string; at: string }[] }>('/api/events');
    expect(body.events[0]).toMatchObject({ type: 'expired', at: expires_at });
    const { body: clock } = await service.get('/api/clock');
    expect(clock).toEqual({ now: expires_at, next_deadline: null });
  });

  it('lets it run', async () => {
    const service = await simulated();
    const { token_id } = await allocate(service, 'ada');
    const page = await Visualizer.open(service, `?token=${token_id}`);
    await page.button('Play ×60').click();
    await page.tileSays(/available/);
    await page.button('Stand still').click();
    const { body } = await service.get<{ events: { type: string }[] }>('/api/events');
    expect(body.events[0]!.type).toBe('expired');
  });
});

describe('the page of the past', () => {
  it('shows the pool as it was, fact by fact, back and forth, and comes back to now', async () => {
    const service = await simulated();
    const { token_id } = await allocate(service, 'ada');
    await service.post(`/api/tokens/${token_id}/release`);
    await allocate(service, 'bob');
    const page = await Visualizer.open(service, `?token=${token_id}`);
    await page.tileSays(/available/);
    await page.counts('Active', 1);
    await page.button('One fact back').click();
    await page.counts('Active', 0);
    await page.isSaid('The moment that is shown', '3');
    await page.button('One fact back').click();
    await page.tileSays(/held by ada/);
    // What has been is only looked at.
    expect(await page.panel(token_id).getByRole('button', { name: 'Release' }).isDisabled()).toBe(true);
    await page.button('One fact forward').click();
    await page.tileSays(/available/);
    await page.button('Back to now').click();
    await page.counts('Active', 1);
  });

  it('travels by its slider and by its keys, and says where it is in its address, which can be shared', async () => {
    const service = await simulated();
    for (const user of ['ada', 'bob', 'cleo', 'dan', 'eve']) await allocate(service, user);
    const page = await Visualizer.open(service);
    const slider = page.page.getByRole('slider', { name: 'Fact of the log' });
    await slider.press('Home');
    await page.counts('Active', 0);
    await slider.press('ArrowRight');
    await slider.press('ArrowRight');
    await page.counts('Active', 2);
    await expect.poll(() => page.page.url(), patience).toContain('seq=3');
    const shared = new URL(page.page.url()).search;
    const other = await Visualizer.open(service, shared);
    await other.counts('Active', 2);
    await other.isSaid('The moment that is shown', '3');
    // It stays in the past, whatever happens meanwhile.
    await allocate(service, 'fay');
    await other.counts('Active', 2);
    await other.button('Back to now').click();
    await other.counts('Active', 3);
  });

  it('shows of each pool its own past, whatever it has shown of another, and keeps nothing of it', async () => {
    const service = await simulated();
    await service.post('/api/pools', { name: 'other', size: 5 });
    for (const user of ['ada', 'bob']) await allocate(service, user);
    for (const user of ['cleo', 'dan'])
      await service.post('/api/pools/other/tokens/allocate', { user_id: user });
    const page = await Visualizer.open(service);
    const slider = page.page.getByRole('slider', { name: 'Fact of the log' });
    const choose = (pool: string) => page.page.getByRole('combobox', { name: 'Pool' }).selectOption(pool);
    await slider.press('Home');
    await slider.press('ArrowRight');
    await page.isSaid('The moment that is shown', 'ada');
    await choose('other');
    await page.counts('Active', 2);
    await slider.press('Home');
    await slider.press('ArrowRight');
    await page.isSaid('The moment that is shown', 'cleo');
    await page.counts('Active', 1);
    await page.counts('Available', 4);
    // Who waits is only known of now.
    expect(await page.count('Waiting')).toBe('–');
  });

  it('is not that of the log before, when another service answers there', async () => {
    const service = await simulated();
    for (const user of ['ada', 'bob', 'cleo']) await allocate(service, user);
    const page = await Visualizer.open(service, '', { mayComplain: /Failed to load resource|ERR_/ });
    const slider = page.page.getByRole('slider', { name: 'Fact of the log' });
    await slider.press('Home');
    await slider.press('ArrowRight');
    await page.isSaid('The moment that is shown', 'ada');
    await service.stop('SIGKILL');
    const env = { CLOCK: 'simulated', POOL_SIZE: '3', PORT: new URL(service.url).port };
    const other = await startService(await freshDatabase('postgres'), env);
    await allocate(other, 'zoe');
    await page.isSaid('The moment that is shown', 'zoe');
    expect(await page.count('Active')).toBe('1');
  });

  it('marks a step of the machine each time that somebody takes it', async () => {
    const service = await simulated();
    const { token_id } = await allocate(service, 'ada');
    const page = await Visualizer.open(service, `?token=${token_id}`, { reducedMotion: 'reduce' });
    const marked = page.page.locator('[data-machine="token"] .chart-lettering.is-taken');
    await page.button('One fact back').click();
    await page.counts('Active', 0);
    for (const _ of ['once', 'again']) {
      await page.button('One fact forward').click();
      await expect.poll(() => marked.count(), patience).toBe(1);
      await expect.poll(() => marked.count(), patience).toBe(0);
      await page.button('One fact back').click();
      await page.counts('Active', 0);
    }
  });

  it('says of itself that it is past, and where it is halfway through an eviction', async () => {
    const service = await startService(await freshDatabase('postgres'), { POOL_SIZE: '1' });
    for (const user of ['ada', 'bob']) await allocate(service, user);
    const page = await Visualizer.open(service);
    expect(await page.page.getByText('Past', { exact: true }).count()).toBe(0);
    await page.button('One fact back').click();
    await page.isSaid('The moment that is shown', 'lru_eviction');
    await page.isSaid('The moment that is shown', 'Halfway through an eviction');
    expect(await page.status('Connection').textContent()).toMatch(/^Past.*the connection is Live/);
    await page.button('One fact back').click();
    await page.isSaid('The moment that is shown', 'ada was granted');
    expect(await page.status('The moment that is shown').textContent()).not.toContain('Halfway');
  });

  it('asks for no moment that cannot be, and says what there is instead', async () => {
    const service = await simulated();
    await allocate(service, 'ada');
    const before = await Visualizer.open(service, '?seq=0');
    await before.isSaid('The moment that is shown', 'it begins with 1');
    await before.isSaid('The moment that is shown', 'pool_opened');
    const after = await Visualizer.open(service, '?seq=99');
    await after.counts('Active', 1);
    const travel = after.region('Time travel');
    await expect.poll(() => travel.textContent(), patience).toContain('no fact 99 yet: this is now');
    await after.page.getByLabel('Instant').fill('2001-01-31T12:00:00');
    await after.button('Go').click();
    await expect.poll(() => travel.textContent(), patience).toContain('back so far: it begins at');
  });

  it('is that of no pool where there is none of the name', async () => {
    const service = await simulated();
    const page = await Visualizer.visit(service, '?pool=nope&seq=0', { mayComplain: /404/ });
    await page.isSaid('Connection', 'No such pool');
    await expect.poll(() => page.status('The moment that is shown').count(), patience).toBe(0);
    expect(await page.button('Allocate').isDisabled()).toBe(true);
    expect(await page.page.getByText(/^Reading/).count()).toBe(0);
  });
});
