/** The page of a running service, and what a person finds on it, by what it is called there. */
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { type Visit, visit } from './browser.ts';
import type { ServiceProcess } from './process.ts';
import type { LeaseSeen } from './told.ts';

/** As the page calls a token. */
export const shortOf = (tokenId: string): string => tokenId.slice(0, 8);

export async function allocate(service: ServiceProcess, userId: string): Promise<LeaseSeen> {
  const { status, body } = await service.post<LeaseSeen>('/api/tokens/allocate', { user_id: userId });
  expect(status).toBe(200);
  return body;
}

export class Visualizer {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  static async visit(service: ServiceProcess, query = '', options: Visit = {}): Promise<Visualizer> {
    return new Visualizer(await visit(`${service.url}/visualizer${query}`, options));
  }

  /** Opened, and live. */
  static async open(service: ServiceProcess, query = '', options: Visit = {}): Promise<Visualizer> {
    const visualizer = await Visualizer.visit(service, query, options);
    await visualizer.isSaid('Connection', 'Live');
    return visualizer;
  }

  status(name: string) {
    return this.page.getByRole('status', { name });
  }

  region(name: string | RegExp) {
    return this.page.getByRole('region', { name, exact: true });
  }

  button(name: string) {
    return this.page.getByRole('button', { name, exact: true });
  }

  get canvas() {
    return this.page.locator('canvas').first();
  }

  /** What a status of the page says, in part. */
  async isSaid(name: string, part: string): Promise<void> {
    await expect.poll(() => this.status(name).textContent(), patience).toContain(part);
  }

  /** As if somebody turned to another tab, or came back from it. */
  turn(state: 'hidden' | 'visible'): Promise<void> {
    return this.page.evaluate(
      `Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true });
       document.dispatchEvent(new Event('visibilitychange'));`,
    );
  }

  /** How many tokens of the pool the page says are `Active`, `Available`, … */
  count(of: string): Promise<string | null> {
    return this.page
      .locator('header dt', { hasText: of })
      .locator('xpath=following-sibling::dd')
      .textContent();
  }

  async counts(of: string, number: number): Promise<void> {
    await expect.poll(() => this.count(of), patience).toBe(number.toLocaleString('en'));
  }

  /** What is told of the tile that is chosen. */
  tile() {
    return this.page.getByRole('listbox', { name: 'Tokens' }).getByRole('option', { selected: true });
  }

  async tileSays(part: string | RegExp): Promise<void> {
    await expect.poll(() => this.tile().textContent(), patience).toMatch(part);
  }

  /** The panel of the token. */
  panel(tokenId: string) {
    return this.region(`Token ${shortOf(tokenId)}`);
  }
}

/** It is no measure of speed: the machine may be busy with other tests. */
export const patience = { timeout: 20_000, interval: 20 };
