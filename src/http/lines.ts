/** An answer that takes its time, line by line: how it goes, and the answer itself or what has kept it as the last one. */
import type { Context } from 'hono';

export const linesType = 'application/x-ndjson';

/** Who has asked, as long as it takes to answer. */
export interface Asker {
  /** Says when nobody waits for the answer any more. */
  gone(): AbortSignal;
  header(name: string): string | undefined;
  /** Breaks the connection; false where there is none, but this very process. */
  cut(): boolean;
  /** Heard by those only who have asked to be told. */
  tell(line: object): void;
}

export const wantsLines = (c: Context): boolean => c.req.header('accept')?.includes(linesType) ?? false;

/**
 * What `work` tells as lines, and its response as the last of them. One that refuses before anything has been told
 * is given as it is, with its own status.
 */
export function inLines(c: Context, work: (asker: Asker) => Promise<Response>): Promise<Response> {
  return new Promise((resolve, reject) => {
    const over = new AbortController();
    const gone = AbortSignal.any([c.req.raw.signal, over.signal]);
    let lines: ReadableStreamDefaultController<Uint8Array> | undefined;
    const begin = () => {
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => {
          lines = controller;
        },
        cancel: () => over.abort(),
      });
      resolve(c.body(body, 200, { 'content-type': linesType }));
    };
    const say = (text: string) => {
      if (lines === undefined) begin();
      if (!gone.aborted) lines!.enqueue(encoder.encode(`${text}\n`));
    };
    const end = async (response: Response) => {
      if (lines === undefined && !response.ok) return resolve(response);
      say(await response.text());
      if (!gone.aborted) lines!.close();
    };
    const asker: Asker = {
      gone: () => gone,
      ...connectionOf(c),
      tell: (line) => say(JSON.stringify(line)),
    };
    work(asker)
      .then(end)
      .catch((error) => (lines === undefined ? reject(error) : lines.error(error)));
  });
}

/** What can be known of who has asked, and done to them. */
export const connectionOf = (c: Context): Pick<Asker, 'header' | 'cut'> => ({
  header: (name) => c.req.header(name),
  cut() {
    const { outgoing } = (c.env ?? {}) as { outgoing?: { destroy(): void } };
    outgoing?.destroy();
    return outgoing !== undefined;
  },
});

const encoder = new TextEncoder();
