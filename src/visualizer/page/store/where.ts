/** What of the page its address says, so that a link shows the same to somebody else: pool, moment and token. Pure. */

export interface Where {
  pool: string;
  /** The moment that is looked at; null: now. */
  seq: number | null;
  token: string | null;
}

/** The pool that there always is. */
export const firstPool = 'default';

export function whereIn(search: string): Where {
  const read = new URLSearchParams(search);
  const seq = read.get('seq') ?? '';
  return {
    pool: read.get('pool') || firstPool,
    seq: /^\d{1,15}$/.test(seq) ? Number(seq) : null,
    token: read.get('token') || null,
  };
}

export function addressOf({ pool, seq, token }: Where): string {
  const written = new URLSearchParams({ pool });
  if (seq !== null) written.set('seq', String(seq));
  if (token !== null) written.set('token', token);
  return `/visualizer?${written}`;
}
