/** Asking the service: its answer, or the problem that it names, or that nothing came. Never throws. */
import type { Problem } from '../wire.ts';

export type Answer<T> = { ok: T } | { problem: Problem } | { silence: true };

export const poolPath = (pool: string, rest = ''): string => `/api/pools/${encodeURIComponent(pool)}${rest}`;

export const ask = <T>(path: string, signal?: AbortSignal): Promise<Answer<T>> =>
  answered(path, signal ? { signal } : {});

export const tell = <T>(path: string, body?: object, signal?: AbortSignal): Promise<Answer<T>> =>
  answered(path, {
    method: 'POST',
    ...(signal && { signal }),
    ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });

async function answered<T>(path: string, init: RequestInit): Promise<Answer<T>> {
  try {
    const response = await fetch(path, { cache: 'no-store', ...init });
    const body = await response.json();
    return response.ok ? { ok: body as T } : { problem: { ...body, status: response.status } as Problem };
  } catch {
    return { silence: true };
  }
}

/** What to tell a person of an answer that is no yes. */
export function problemWords(answer: { problem: Problem } | { silence: true }): string {
  if ('silence' in answer) return 'The service did not answer.';
  const { title, detail, stage } = answer.problem;
  return [title, detail, stage && `stage: ${stage}`].filter(Boolean).join('. ');
}
