/** Text that is cut to the room that there is for it. */

/** What a canvas is for this. */
interface Ruler {
  measureText(text: string): { width: number };
}

/** Measuring text costs more than drawing it, and most tiles say what they said before. */
const cuts = new Map<string, string>();
const cutsMax = 4000;

export function cut(to: Ruler & { font: string }, text: string, room: number): string {
  const key = `${to.font} ${room} ${text}`;
  const known = cuts.get(key);
  if (known !== undefined) return known;
  if (cuts.size >= cutsMax) cuts.clear();
  const made = cutToFit(to, text, room);
  cuts.set(key, made);
  return made;
}

/** At its end, and between characters. */
export function cutToFit(to: Ruler, text: string, room: number): string {
  if (to.measureText(text).width <= room) return text;
  const characters = [...text];
  const cutAt = (length: number) => `${characters.slice(0, length).join('')}…`;
  let length = characters.length - 1;
  while (length > 1 && to.measureText(cutAt(length)).width > room) length--;
  return cutAt(length);
}
