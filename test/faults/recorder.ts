/** Asks over HTTP, and writes down every question and its answer, or that there was none. */
import { Agent, type IncomingMessage, request } from 'node:http';
import type { Answer, Asked, Call, TokenShown } from './history.ts';

export interface Question extends Asked {
  method: 'GET' | 'POST';
  path: string;
  json: object | null;
}

export interface Manner {
  /** How long the answer is waited for. */
  patienceMs: number;
  /** The client is gone as soon as it has asked, and hears no answer. */
  hangsUp: boolean;
}

export interface Asking {
  name: string;
  url: string;
}

export class Recorder {
  readonly calls: Call[] = [];
  /** Questions that found nobody listening: they were never asked. */
  unheard = 0;
  readonly #agent = new Agent({ keepAlive: true });

  /** Resolves with what is written down; null if nobody listened. */
  ask(of: Asking, question: Question, manner: Manner): Promise<Call | null> {
    const { method, path, json, ...asked } = question;
    const call: Call = {
      ...asked,
      process: of.name,
      askedAt: performance.now(),
      answeredAt: null,
      answer: null,
    };
    const body = json === null ? null : JSON.stringify(json);
    return new Promise((resolve) => {
      const outgoing = request(of.url + path, {
        method,
        agent: this.#agent,
        headers: headersOf(asked, body),
      });
      const patience = setTimeout(() => outgoing.destroy(), manner.patienceMs);
      const end = (heard: boolean) => {
        clearTimeout(patience);
        if (heard) this.calls.push(call);
        else this.unheard++;
        resolve(heard ? call : null);
      };
      outgoing.once('error', (error: NodeJS.ErrnoException) => end(error.code !== 'ECONNREFUSED'));
      outgoing.once('response', (incoming) => {
        read(incoming).then(
          (text) => {
            call.answeredAt = performance.now();
            call.answer = answerOf(incoming, text, asked.kind);
            end(true);
          },
          () => end(true),
        );
      });
      if (manner.hangsUp)
        outgoing.once('finish', () => setImmediate(() => outgoing.destroy(new Error('gone'))));
      outgoing.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

function headersOf({ key }: Asked, body: string | null): Record<string, string> {
  return {
    ...(body === null ? {} : { 'content-type': 'application/json' }),
    ...(key === null ? {} : { 'idempotency-key': key }),
  };
}

async function read(incoming: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  if (!incoming.complete) throw new Error('the answer broke off');
  return Buffer.concat(parts).toString();
}

interface TokenInList {
  id: string;
  fence: number | null;
  expires_at: string | null;
}

/** Throws if it is no JSON. */
function answerOf(incoming: IncomingMessage, text: string, kind: Asked['kind']): Answer {
  const body = JSON.parse(text) as Record<string, unknown>;
  const { tokens, ...rest } = body as { tokens?: TokenInList[] };
  const shown =
    kind === 'list' && tokens
      ? tokens.map(({ id, fence, expires_at }): TokenShown => [id, fence, expires_at])
      : null;
  return {
    status: incoming.statusCode!,
    error: typeof body.error === 'string' ? body.error : null,
    replayed: incoming.headers['idempotency-replayed'] === 'true',
    // Long runs hold many of them: what says nothing more is left out.
    body: shown ? rest : body,
    shown,
  };
}
