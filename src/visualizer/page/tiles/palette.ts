/** The colours of the style sheet, as a canvas can take them: it cannot read variables that depend on the scheme. */
import type { Status } from '../../../lease/lease.ts';

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
  const probe = document.createElement('span');
  probe.hidden = true;
  element.append(probe);
  const style = getComputedStyle(probe);
  const colours = names.map((name) => {
    probe.style.color = `var(--${name})`;
    return [name, style.color] as const;
  });
  const fonts = { sans: style.getPropertyValue('--sans'), mono: style.getPropertyValue('--mono') };
  probe.remove();
  return { ...(Object.fromEntries(colours) as Record<(typeof names)[number], string>), ...fonts };
}

export const inkOf = (palette: Palette, status: Status): string => palette[status];
export const washOf = (palette: Palette, status: Status): string => palette[`${status}-wash`];
