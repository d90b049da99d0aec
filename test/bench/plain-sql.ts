/**
 * What one would write without Leasehold: one SQL statement a request, which takes the free or the least recently
 * used row and logs what it did. No timers, no recovery, no proof: only the allocation.
 */
import { randomUUID } from 'node:crypto';
import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import postgres from 'postgres';

const tokens = 100;
const sql = postgres(process.env.DATABASE_URL!, { max: 10, onnotice: () => {} });
await sql`create table token (
  id uuid primary key default gen_random_uuid(), user_id text, lease_id uuid,
  expires_at timestamptz not null default 'epoch', used_at timestamptz not null default 'epoch')`;
await sql`create index on token (used_at)`;
await sql`create table token_log (
  seq bigserial primary key, token_id uuid not null, type text not null, user_id text, lease_id uuid,
  at timestamptz not null default clock_timestamp())`;
await sql`insert into token select from generate_series(1, ${tokens})`;

const app = new Hono();
app.post('/allocate', async (c) => {
  const [row] = await sql`
    with chosen as (
      select id, user_id, lease_id, expires_at > now() as held from token
      order by used_at limit 1 for update skip locked
    ), ended as (
      insert into token_log (token_id, type, user_id, lease_id)
      select id, 'released', user_id, lease_id from chosen where held
    ), granted as (
      update token set user_id = ${randomUUID()}, lease_id = ${randomUUID()}, used_at = clock_timestamp(),
        expires_at = clock_timestamp() + interval '2 minutes'
      from chosen where token.id = chosen.id
      returning token.id, token.user_id, token.lease_id, token.expires_at
    ), begun as (
      insert into token_log (token_id, type, user_id, lease_id)
      select id, 'activated', user_id, lease_id from granted
      returning seq
    )
    select granted.*, begun.seq as fence from granted, begun`;
  return c.json(row);
});
app.get('/readyz', (c) => c.body(null, 204));
serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(process.env.PORT) });
