/** The sizes that the layout reckons with and the page keeps to, in pixels. */
import type { RunKind } from './drawing.ts';

export const sizeOf: Record<RunKind, number> = {
  title: 15,
  entry: 11,
  event: 12,
  delay: 12,
  guard: 11.5,
  actions: 11,
  order: 9,
  target: 11,
};

/** How wide a letter is: 0.6 em, as in nearly every monospace font. */
export const advanceOf = Object.fromEntries(
  Object.entries(sizeOf).map(([kind, size]) => [kind, size * 0.6]),
) as Record<RunKind, number>;

/** Before the text of a delay: its clock. */
export const clockWidth = 18;
/** Around the number of a candidate: its ring. */
export const ringWidth = 14;
/** After the name of a delay: what is left of it, as `29d 23h` or `59:59`. */
export const countdownWidth = 7.5 * advanceOf.delay;

export const iconWidth = (kind: RunKind): number =>
  kind === 'delay' ? clockWidth + countdownWidth : kind === 'order' ? ringWidth - advanceOf.order : 0;

export const lineHeight = 16;
export const titleHeight = 22;
/** Within a box. */
export const boxPadding = 12;
/** The most that what is done on entering takes. */
export const entryWidth = 220;
/** Between the rows of one event and those of the next. */
export const groupGap = 5;
/** Around what is written on an arrow. */
export const platePadding = 4;

/** Of the drawing for a phone. */
export const narrow = {
  box: { columns: 1, widthMax: 256, isStacked: true },
  margin: 6,
  /** From box to box. */
  between: 16,
  /** Of the arrow to where it begins. */
  beginning: 20,
  /** From track to track. */
  track: 10,
  /** Where arrows arrive, from the top of a box. */
  entrance: 18,
};

/** Between two transitions on one arrow. */
export const plateGap = 3;

/** Of the drawing for a desk. */
export const wide = {
  box: { columns: 1, widthMax: 330, isStacked: false },
  /** More rows than these stand in two columns. */
  rowsMax: 20,
  /** The most that what is written on an arrow takes. */
  plate: 200,
  /** The dot at which the machine begins. */
  beginning: { width: 10, height: 10 },
};
