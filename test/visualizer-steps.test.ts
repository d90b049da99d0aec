/** The steps that the page keeps of what passes between the parts of the service, and how it draws and tells them. */
import { describe, expect, it } from 'vitest';
import { withCommits } from '../src/visualizer/page/panels/commits.ts';
import type { Details, Message, Party } from '../src/visualizer/page/panels/shapes.ts';
import { StepBuffer } from '../src/visualizer/page/panels/step-buffer.ts';
import {
  detailsOf,
  newestTelling,
  sequenceOf,
  titleOf,
  wayOf,
} from '../src/visualizer/page/panels/step-words.ts';

const a = '337041f0-05ed-4eea-8d1c-54632a55ddfe';

const message = (
  step: number,
  n: number,
  [from, to]: readonly [Party, Party] = ['route', 'pool'],
  name = 'ALLOCATE',
  part: { token_id?: string; user_id?: string; detail?: Details } = {},
): Message => ({
  step,
  n,
  at: '2026-11-21T14:00:00.000Z',
  from,
  to,
  message: name,
  token_id: null,
  user_id: null,
  detail: {},
  ...part,
});

const numbersOf = ({ steps }: StepBuffer) => steps.map(({ number }) => number);

describe('the buffer of steps', () => {
  it('groups messages by their step, newest step first, each in its order', () => {
    const buffer = new StepBuffer();
    for (const [step, n] of [
      [1, 1],
      [2, 1],
      [1, 3],
      [1, 2],
    ] as const)
      buffer.add(message(step, n));
    expect(numbersOf(buffer)).toEqual([2, 1]);
    expect(buffer.steps[1]!.messages.map(({ n }) => n)).toEqual([1, 2, 3]);
  });

  it('keeps the last steps, and of each as many messages as it may', () => {
    const buffer = new StepBuffer(3, 4);
    for (let step = 1; step <= 1_000; step++) buffer.add(message(step, 1));
    for (let n = 2; n <= 100; n++) buffer.add(message(1_000, n));
    expect(numbersOf(buffer)).toEqual([1_000, 999, 998]);
    expect(buffer.steps[0]).toMatchObject({ more: 96, messages: { length: 4 } });
  });

  it('takes an answer that comes after the next step has begun, but none for a step that is gone', () => {
    const buffer = new StepBuffer(2);
    for (const step of [1, 2, 3]) buffer.add(message(step, 1));
    buffer.add(message(2, 2));
    buffer.add(message(1, 2));
    expect(numbersOf(buffer)).toEqual([3, 2]);
    expect(buffer.steps[1]!.messages).toHaveLength(2);
  });

  it('begins anew where another process counts from 1 again', () => {
    const buffer = new StepBuffer(2);
    for (const step of [7, 8, 9]) buffer.add(message(step, 1));
    buffer.add(message(1, 1));
    expect(numbersOf(buffer)).toEqual([1]);
    buffer.add(message(1, 1));
    expect(buffer.steps[0]!.messages).toHaveLength(1);
  });

  it('changes no step that somebody may be showing', () => {
    const buffer = new StepBuffer();
    buffer.add(message(1, 1));
    const before = buffer.steps;
    buffer.add(message(1, 2));
    buffer.add(message(2, 1));
    expect(before).toHaveLength(1);
    expect(before[0]!.messages).toHaveLength(1);
  });

  it('counts what never came, until it is cleared', () => {
    const buffer = new StepBuffer();
    buffer.add(message(1, 1));
    buffer.drop({ messages: 40, steps: 0 });
    buffer.drop({ messages: 2, steps: 7 });
    expect(buffer.dropped).toEqual({ messages: 42, steps: 7 });
    buffer.clear();
    expect(buffer.dropped).toEqual({ messages: 0, steps: 0 });
    expect(buffer.steps).toEqual([]);
  });
});

const eviction = [
  message(1, 1),
  message(1, 2, ['pool', 'token'], 'EVICT', { token_id: a }),
  message(1, 3, ['token', 'journal'], 'fact released lru_eviction', { token_id: a }),
  message(1, 4, ['token', 'journal'], 'fact activated allocated_after_eviction', { token_id: a }),
  message(1, 5, ['token', 'pool'], 'USED', { token_id: a }),
  message(1, 6, ['pool', 'route'], 'granted', { token_id: a }),
];
const told = (messages: Message[], more = 0) => titleOf({ number: 1, at: '', messages, more });

describe('a step in words', () => {
  it('is what it was about and what came of it', () => {
    expect(told(eviction)).toBe('ALLOCATE → evicted → activated → granted');
    const refusal = message(1, 2, ['pool', 'token'], 'RENEW', { detail: { refusal: 'lease_mismatch' } });
    const answer = message(1, 3, ['pool', 'route'], 'refused lease_mismatch');
    const renewal = message(1, 1, ['route', 'pool'], 'RENEW');
    expect(told([renewal, refusal, answer])).toBe('RENEW → refused lease_mismatch');
    const full = message(1, 1, undefined, undefined, { detail: { refusal: 'pool_full' } });
    expect(told([full])).toBe('ALLOCATE → refused pool_full');
  });

  it('does not say twice what was recorded and then answered', () => {
    const facts = message(1, 2, ['token', 'journal'], 'fact renewed renewed_by_client');
    const answer = message(1, 3, ['pool', 'route'], 'renewed');
    expect(told([message(1, 1, ['route', 'pool'], 'RENEW'), facts, answer])).toBe('RENEW → renewed');
  });

  it('counts what is repeated, and leaves out the middle of what is long', () => {
    const released = (n: number) => message(1, n, ['token', 'journal'], 'fact released cleanup');
    const all = [message(1, 1, ['route', 'pool'], 'RELEASE_ALL'), released(2), released(3)];
    expect(told(all, 5)).toBe('RELEASE_ALL → released ×2 …');
    const answers = ['b', 'c', 'd', 'e', 'f'].map((name, n) => message(1, n + 2, ['pool', 'route'], name));
    expect(told([message(1, 1), ...answers])).toBe('ALLOCATE → b → c → d → … → f');
  });

  it('has its details in units, and says who is told what', () => {
    const detail = { ttl_ms: 120_000, is_held: true, state: { before: 'available', after: 'active' } };
    expect(detailsOf(message(1, 1, undefined, undefined, { user_id: 'ada', detail }))).toEqual([
      ['user', 'ada'],
      ['ttl', '2 min'],
      ['is held', 'yes'],
      ['state', 'available → active'],
    ]);
    expect(wayOf(eviction[2]!)).toBe('token 337041f0 → journal');
  });
});

describe('the step that is shown while none is chosen', () => {
  it('is the newest, but for the commits that follow it', () => {
    const buffer = new StepBuffer();
    buffer.add(message(3, 1, ['journal', 'pool'], 'commit'));
    expect(newestTelling(buffer.steps)?.number).toBe(3);
    buffer.add(message(2, 1));
    expect(newestTelling(buffer.steps)?.number).toBe(2);
    expect(newestTelling([])).toBeUndefined();
  });
});

describe('a step as a diagram', () => {
  it('has a lifeline for everybody, and for the line where it has a part', () => {
    const { lifelines, arrows } = sequenceOf(eviction);
    expect(lifelines.map(({ name }) => name)).toEqual([
      'route',
      'clock',
      'pool',
      'token 337041f0',
      'journal',
    ]);
    expect(arrows.map(({ from, to }) => [from, to])).toEqual([
      [0, 2],
      [2, 3],
      [3, 4],
      [3, 4],
      [3, 2],
      [2, 0],
    ]);
    const joined = sequenceOf([message(1, 1), message(1, 2, ['pool', 'line'], 'joined')]);
    expect(joined.lifelines.map(({ party }) => party)).toEqual([
      'route',
      'clock',
      'line',
      'pool',
      'token',
      'journal',
    ]);
  });

  it('gives one lifeline to all tokens that are too many', () => {
    const many = Array.from({ length: 9 }, (_, n) =>
      message(1, n + 1, ['pool', 'token'], 'RECALL', { token_id: `t${n}` }),
    );
    const { lifelines, arrows } = sequenceOf(many);
    expect(lifelines.map(({ name }) => name).slice(3, -1)).toEqual([
      'token t0',
      'token t1',
      '7 other tokens',
    ]);
    expect(arrows.map(({ to }) => to)).toEqual([3, 4, 5, 5, 5, 5, 5, 5, 5]);
  });
});

describe('a commit', () => {
  const factOf = (step: number, seq: number) =>
    message(step, 2, ['token', 'journal'], 'fact activated allocated', { detail: { seq } });
  const commitOf = (step: number, upTo: number) =>
    message(step, 1, ['journal', 'pool'], 'commit', { detail: { up_to_seq: upTo, ms: 1 } });
  const told = (...messages: Message[]) => {
    const buffer = new StepBuffer();
    for (const each of messages) buffer.add(each);
    return withCommits(buffer.steps).map((step) => [
      step.number,
      step.messages.map(({ message }) => message.split(' ')[0]).join(' '),
    ]);
  };
  const [command, other] = [message(1, 1), message(2, 1)];
  const answer = message(1, 3, ['pool', 'route'], 'granted', { detail: { seq: 4 } });

  it('is told in the step whose facts it made last, before the answer that waits for it', () => {
    expect(told(command, factOf(1, 4), commitOf(2, 4))).toEqual([[1, 'ALLOCATE fact commit']]);
    expect(told(command, factOf(1, 4), commitOf(2, 4), answer)).toEqual([
      [1, 'ALLOCATE fact commit granted'],
    ]);
  });

  it('is told in each of the steps that share it, and the first one that reaches so far is theirs', () => {
    expect(told(command, factOf(1, 4), other, factOf(2, 5), commitOf(3, 5), commitOf(4, 9))).toEqual([
      [4, 'commit'],
      [2, 'ALLOCATE fact commit'],
      [1, 'ALLOCATE fact commit'],
    ]);
  });

  it('is a step of its own where none is shown that it belongs to', () => {
    expect(told(command, factOf(1, 4), commitOf(2, 3))).toEqual([
      [2, 'commit'],
      [1, 'ALLOCATE fact'],
    ]);
    expect(told(command, answer, commitOf(2, 4))).toEqual([
      [2, 'commit'],
      [1, 'ALLOCATE granted'],
    ]);
  });
});
