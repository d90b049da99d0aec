/** The options of a pool to be read: with units, and which ones are not the default. Pure. */
import { type OptionName, optionDefaults } from '../../../lease/pool-options.ts';
import { counted, duration, number } from '../format.ts';
import type { WireOptions } from './shapes.ts';

interface OptionRow {
  /** As it is written over REST. */
  name: string;
  means: string;
  value: string;
  /** What it would be by default, where it is something else. */
  otherwise: string | null;
}

/** In the order in which one asks: what there is, how long it is held, what happens when there is no more. */
const meanings: Record<OptionName, string> = {
  membership: 'whether tokens come and go',
  size: 'how many tokens',
  tokens: 'what they are like',
  ttlMs: 'TTL, where none is asked for',
  ttlMsMax: 'the longest TTL',
  maxLifetimeMs: 'how long renewing can go on',
  maxPerUser: 'tokens that one user may hold',
  coolDownMs: 'rest after a lease that was not released',
  idleTtlMs: 'how long a free token is kept',
  whenFull: 'what a newcomer meets when none is free',
  eviction: 'whose lease ends for a newcomer',
  minHoldMs: 'how long a lease is safe from that',
  waitMs: 'time in line, where none is asked for',
  queueMax: 'how many may wait in line',
};

/** What nothing is called. */
const nones: Partial<Record<OptionName, string>> = {
  tokens: 'all alike',
  maxLifetimeMs: 'for ever',
  maxPerUser: 'any number',
  idleTtlMs: 'for ever',
  coolDownMs: 'none',
  minHoldMs: 'not at all',
};

export function optionRows(options: WireOptions): OptionRow[] {
  const given = options as Readonly<Record<string, unknown>>;
  return (Object.entries(meanings) as [OptionName, string][]).map(([option, means]) => {
    const name = option.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
    const value = textOf(option, given[name]);
    // Size and TTL are as the service is started with, which is not known here.
    const standard =
      option in optionDefaults
        ? textOf(option, optionDefaults[option as keyof typeof optionDefaults])
        : value;
    return { name, means, value, otherwise: standard === value ? null : standard };
  });
}

function textOf(option: OptionName, value: unknown): string {
  if (value === null || value === undefined || value === 0) return nones[option] ?? 'none';
  if (Array.isArray(value)) return `${counted(value.length, 'token')}, one by one`;
  if (typeof value === 'number') return option.includes('Ms') ? duration(value) : number(value);
  return String(value);
}
