/** How the page writes times, lengths of time, numbers and ids. */
import { describe, expect, it } from 'vitest';
import {
  countdown,
  counted,
  dateAndTime,
  duration,
  hourAndMinute,
  labelsText,
  perSecond,
  shortId,
  timeOfDay,
} from '../src/visualizer/page/format.ts';

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

describe('what the page writes', () => {
  it.each([
    [0, '0 ms'],
    [12, '12 ms'],
    [999.4, '999 ms'],
    [999.6, '1 s'],
    [1_000, '1 s'],
    [1_550, '1.5 s'],
    [59_999, '59.9 s'],
    [2 * minute, '2 min'],
    [90_000, '1 min 30 s'],
    [3 * hour + 5 * minute, '3 h 5 min'],
    [3 * hour + 59_000, '3 h'],
    [30 * day, '30 d'],
    [2 * day + 4 * hour, '2 d 4 h'],
    [-1_500, '-1.5 s'],
  ])('says of %i ms that it is %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  it.each([
    [103_000, '1:43'],
    [6_001, '0:07'],
    [1, '0:01'],
    [0, '0:00'],
    [-500, '0:00'],
    [3 * hour + 5 * minute, '3:05:00'],
    [2 * day + 4 * hour, '2 d 4 h'],
  ])('counts %i ms down as %s, and is at 0:00 only when it is over', (ms, text) => {
    expect(countdown(ms)).toBe(text);
  });

  it('writes instants where the reader is, by a clock of 24 hours', () => {
    const instant = '2026-11-21T23:03:07.379Z';
    expect(timeOfDay(instant, 'UTC')).toBe('23:03:07');
    expect(timeOfDay(Date.parse(instant), 'Asia/Tokyo')).toBe('08:03:07');
    expect(hourAndMinute('2026-11-21T00:03:07.379Z', 'UTC')).toBe('00:03');
    expect(dateAndTime(instant, 'UTC')).toBe('21 Nov 2026, 23:03:07');
  });

  it('counts things and rates', () => {
    expect([0, 1, 12_345].map((n) => counted(n, 'lease'))).toEqual(['0 leases', '1 lease', '12,345 leases']);
    expect(counted(2, 'expiry', 'expiries')).toBe('2 expiries');
    expect([0, 0.25, 3.44, 12, 120.4, 2_000].map(perSecond)).toEqual([
      '0/s',
      '0.25/s',
      '3.4/s',
      '12/s',
      '120/s',
      '2,000/s',
    ]);
  });

  it('shortens UUIDs to what tells them apart, and other text between characters', () => {
    expect(shortId('337041f0-05ed-4eea-8d1c-54632a55ddfe')).toBe('337041f0');
    expect(shortId('ada')).toBe('ada');
    expect(shortId('build-agent-of-the-west-wing')).toBe('build-agent-of-…');
    expect(shortId('🙂🙂🙂', 2)).toBe('🙂…');
  });

  it('writes labels in their order', () => {
    expect(labelsText({ os: 'ios', site: 'lab 2' })).toBe('os: ios, site: lab 2');
    expect(labelsText({})).toBe('');
  });
});
