/** The lines of an arrow, as SVG has them. Pure. */
import type { Arrow } from '../../chart/drawing.ts';

type Points = Arrow['points'];
const headLength = 8;
const cornerRadius = 6;

/** Along the points, round at the corners, up to where its head begins. */
export function strokeOf(points: Points): string {
  const stops: Points = [...points.slice(0, -1), behindHead(points)];
  let path = `M${at(stops[0]!)}`;
  for (let n = 1; n < stops.length - 1; n += 1) {
    const [before, corner, after] = [stops[n - 1]!, stops[n]!, stops[n + 1]!];
    const radius = Math.min(cornerRadius, distance(before, corner) / 2, distance(corner, after) / 2);
    path += `L${at(towards(corner, before, radius))}Q${at(corner)} ${at(towards(corner, after, radius))}`;
  }
  return `${path}L${at(stops.at(-1)!)}`;
}

/** A triangle, with its tip at the last point. */
export function headOf(points: Points): string {
  const [tip, back] = [points.at(-1)!, behindHead(points, headLength + 1)];
  const [dx, dy] = [(tip[0] - back[0]) * 0.42, (tip[1] - back[1]) * 0.42];
  return `M${at(tip)}L${at([back[0] - dy, back[1] + dx])}L${at([back[0] + dy, back[1] - dx])}Z`;
}

const behindHead = (points: Points, length = headLength): Points[number] =>
  towards(points.at(-1)!, points.at(-2)!, length);

const distance = (one: Points[number], other: Points[number]): number =>
  Math.hypot(other[0] - one[0], other[1] - one[1]);

function towards(from: Points[number], to: Points[number], length: number): Points[number] {
  const share = Math.min(1, length / Math.max(distance(from, to), 0.01));
  return [from[0] + (to[0] - from[0]) * share, from[1] + (to[1] - from[1]) * share];
}

const at = ([x, y]: Points[number]): string => `${Math.round(x * 10) / 10} ${Math.round(y * 10) / 10}`;
