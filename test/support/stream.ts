/** Reads a stream of Server-Sent Events as a viewer does, and checks its form. */
import { expect, onTestFinished } from 'vitest';
import type { Api } from './http.ts';

export interface EventSeen {
  id: number | null;
  event: string | null;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into facts of every type
  data: any;
}

export class Viewer {
  readonly events: EventSeen[] = [];
  comments = 0;
  status = 0;
  /** Resolves when the stream has ended, whoever ended it. */
  ended: Promise<void> = Promise.resolve();
  readonly #gone = new AbortController();

  static async watch(api: Api, path: string, headers: Record<string, string> = {}): Promise<Viewer> {
    const viewer = new Viewer();
    onTestFinished(() => viewer.leave());
    const response = await api.app.request(path, { headers, signal: viewer.#gone.signal });
    viewer.status = response.status;
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    viewer.ended = viewer.#read(response.body!);
    return viewer;
  }

  leave(): void {
    this.#gone.abort();
  }

  get seqs(): (number | null)[] {
    return this.events.map(({ id }) => id);
  }

  /** Resolves when so many events are there. */
  async sees(count: number): Promise<EventSeen[]> {
    await expect
      .poll(() => this.events.length, { interval: 1, timeout: 10_000 })
      .toBeGreaterThanOrEqual(count);
    return this.events;
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    let text = '';
    try {
      for await (const bytes of body.pipeThrough(new TextDecoderStream())) {
        text += bytes;
        const blocks = text.split('\n\n');
        text = blocks.pop()!;
        for (const block of blocks) this.#take(block.split('\n'));
      }
    } catch (error) {
      if (!this.#gone.signal.aborted) throw error;
    }
  }

  #take(lines: string[]): void {
    if (lines[0]!.startsWith(':')) {
      this.comments++;
      return;
    }
    const fields = new Map(lines.map((line) => line.split(/: (.*)/s, 2) as [string, string]));
    if (fields.has('retry')) return;
    expect([...fields.keys()]).toEqual([fields.has('id') ? 'id' : 'event', 'data']);
    const id = fields.get('id');
    this.events.push({
      id: id === undefined ? null : Number(id),
      event: fields.get('event') ?? null,
      data: JSON.parse(fields.get('data')!),
    });
  }
}
