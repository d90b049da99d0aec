/** Simulated time over HTTP, for those who test what leases do to their software: what time it is, and moving it. */
import { z } from 'zod';
import { map } from '../lease/refusal.ts';
import type { Moment } from '../service/moving.ts';
import type { Service } from '../service/service.ts';
import { instant, iso } from './answers.ts';
import { AdvanceBody, none } from './requests.ts';
import { type AnyRoute, route } from './route.ts';

const tag = 'Clock';

const moment = {
  now: instant,
  next_deadline: instant.nullable().openapi({
    description:
      'When something ends by itself next: a lease, a rest, the keeping of a free token, or waiting in line; null if nothing does',
  }),
};
const MomentAnswer = z.strictObject(moment).openapi('Moment');
const MovedAnswer = z
  .strictObject({
    ...moment,
    facts: z.int().min(0).openapi({
      description:
        'How many facts time itself led to, in all pools; not those of requests that came meanwhile',
    }),
  })
  .openapi('Moved');

export const clockRoutes = (service: Service): AnyRoute[] => [
  route({
    method: 'get',
    path: '/api/clock',
    tag,
    summary: 'What time it is',
    description: 'With `CLOCK=simulated` alone.',
    params: none,
    query: none,
    answer: MomentAnswer,
    refusals: ['clock_not_simulated'],
    handle: async () => map(await service.moving.moment(), momentOut),
  }),
  route({
    method: 'post',
    path: '/api/clock/advance',
    tag,
    summary: 'Let time pass',
    description:
      'With `CLOCK=simulated` alone. Whatever is due on the way happens in order, each at its own instant, in all pools; it is ' +
      'answered when all of that is recorded. 0 milliseconds wait for what has happened so far. One advance at a time: others come after it.',
    params: none,
    query: none,
    body: AdvanceBody,
    answer: MovedAnswer,
    refusals: ['clock_not_simulated', 'outcome_unknown'],
    handle: async ({ body: { ms }, once }) =>
      map(await service.moving.advance(ms, once), ({ facts, ...moved }) => ({ ...momentOut(moved), facts })),
  }),
];

const momentOut = ({ now, nextDeadline }: Moment): z.infer<typeof MomentAnswer> => ({
  now: iso(now),
  next_deadline: nextDeadline === null ? null : iso(nextDeadline),
});
