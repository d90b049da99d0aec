/** The colours and fonts that tiles are drawn with, read off the style sheet. */
import type { Status } from '../../../lease/lease.ts';
import { colourOf } from '../canvas-colours.ts';

const names = [
  'paper',
  'raised',
  'sunken',
  'ink',
  'ink-soft',
  'line',
  'line-strong',
  'accent',
  'on-accent',
  'available',
  'available-wash',
  'active',
  'active-wash',
  'resting',
  'resting-wash',
  'withdrawn',
  'withdrawn-wash',
  'danger',
] as const;

export type Palette = Record<(typeof names)[number], string> & { sans: string; mono: string };

/** As they are at `element` now. */
export function paletteAt(element: HTMLElement): Palette {
  const style = getComputedStyle(element);
  const colours = Object.fromEntries(names.map((name) => [name, colourOf(element, name)]));
  return {
    ...(colours as Record<(typeof names)[number], string>),
    sans: style.getPropertyValue('--sans'),
    mono: style.getPropertyValue('--mono'),
  };
}

export const inkOf = (palette: Palette, status: Status): string => palette[status];
export const washOf = (palette: Palette, status: Status): string => palette[`${status}-wash`];
