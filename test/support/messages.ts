/** Looks on at what passes in a pool, as the page does. */
import { expect } from 'vitest';
import type { Api } from './http.ts';
import { Viewer } from './stream.ts';

export interface MessageSeen {
  step: number;
  n: number;
  at: string;
  from: string;
  to: string;
  message: string;
  token_id: string | null;
  user_id: string | null;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into details of every message
  detail: any;
}

export class Onlooker {
  readonly viewer: Viewer;

  private constructor(viewer: Viewer) {
    this.viewer = viewer;
  }

  /** Resolves when it is looked on. */
  static async at(api: Api, base = '/api'): Promise<Onlooker> {
    const viewer = await Viewer.watch(api, `${base}/messages/stream`);
    // The stream is being read, and what it is made from has begun.
    await new Promise((resolve) => setImmediate(resolve));
    return new Onlooker(viewer);
  }

  get messages(): MessageSeen[] {
    return this.viewer.events.filter(({ event }) => event === 'message').map(({ data }) => data);
  }

  get dropped(): { messages: number; steps: number }[] {
    return this.viewer.events.filter(({ event }) => event === 'dropped').map(({ data }) => data);
  }

  /** `from → to: message`, in the order of being told. */
  get lines(): string[] {
    return this.messages.map(({ from, to, message }) => `${from} → ${to}: ${message}`);
  }

  /** Resolves when such a line is there. */
  async sees(line: string): Promise<void> {
    await expect.poll(() => this.lines, { interval: 1, timeout: 10_000 }).toContain(line);
  }

  /** The members of all messages so far, and no others after it. */
  take(): MessageSeen[] {
    const taken = this.messages;
    this.viewer.events.length = 0;
    return taken;
  }
}
