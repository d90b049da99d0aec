/**
 * The wide drawing of a chart, laid out with elkjs at build time: where its states are, which way its arrows go, and where
 * they are written on.
 */
import ElkConstructor, { type ElkExtendedEdge, type ElkNode } from 'elkjs/lib/elk.bundled.js';
import { bundlesOf, type Plate, setPlate } from './bundles.ts';
import type { Chart } from './chart.ts';
import type { Arrow, Drawing } from './drawing.ts';
import { moveRuns } from './lettering.ts';
import { wide } from './metrics.ts';
import { movedTo, placeOf, round, rounded } from './placing.ts';
import { type SetBox, setBox } from './state-box.ts';

/** In Node the module is the constructor, whatever its types say. */
const elk = new (ElkConstructor as unknown as typeof ElkConstructor.default)();

const options = {
  'elk.algorithm': 'layered',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.layered.spacing.nodeNodeBetweenLayers': '24',
  'elk.spacing.nodeNode': '26',
  'elk.spacing.edgeNode': '16',
  'elk.spacing.edgeEdge': '14',
  'elk.layered.spacing.edgeNodeBetweenLayers': '15',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '12',
  'elk.spacing.edgeLabel': '4',
  'elk.spacing.labelLabel': '8',
  'elk.spacing.nodeSelfLoop': '14',
  'elk.layered.nodePlacement.strategy': 'BRANDES_KOEPF',
  'elk.layered.nodePlacement.bk.fixedAlignment': 'BALANCED',
  'elk.layered.thoroughness': '40',
  'elk.padding': '[top=8,left=8,bottom=8,right=8]',
};
const onItsArrow = { 'elk.edgeLabels.inline': 'true', 'elk.edgeLabels.placement': 'CENTER' };

/** Which states are at one height, from the top; where it is not said, elkjs puts them side by side. What is new goes below. */
const rowsOf: Record<string, string[][]> = {
  token: [['active'], ['available'], ['idle', 'resting'], ['withdrawn'], ['deleted']],
};

export async function layout(chart: Chart): Promise<Drawing> {
  const { transitions, states, id: machine } = chart;
  const rows = rowsOf[machine];
  const ids = [
    ...(transitions.some(({ source }) => source === machine) ? [machine] : []),
    ...states.map(({ id }) => id),
  ];
  const boxes = ids.map((id) => {
    const stays = [...transitions.keys()].filter(
      (n) => transitions[n]!.source === id && transitions[n]!.target === null,
    );
    return setBox(chart, id, stays, { ...wide.box, columns: stays.length > wide.rowsMax ? 2 : 1 });
  });
  const bundles = bundlesOf(chart);
  const plates = bundles.map((bundle) => setPlate(chart, bundle, wide.plate));
  const inRow = (id: string) => {
    const row = rows?.findIndex((row) => row.includes(id));
    if (row === undefined) return {};
    return { layoutOptions: { 'elk.partitioning.partition': String(row < 0 ? rows!.length : row) } };
  };
  const graph: ElkNode = {
    id: 'chart',
    layoutOptions: {
      ...options,
      'elk.direction': rows ? 'DOWN' : 'RIGHT',
      'elk.partitioning.activate': String(rows !== undefined),
    },
    children: [
      { id: '', ...wide.beginning, ...(rows && inRow(rows[0]![0]!)) },
      ...boxes.map(({ id, width, height }) => ({ id, width, height, ...inRow(id) })),
    ],
    edges: [
      { id: '', sources: [''], targets: [states.find(({ isInitial }) => isInitial)!.id] },
      ...bundles.map(([first], n) => ({
        id: String(n),
        sources: [transitions[first!]!.source],
        targets: [transitions[first!]!.target!],
        // elkjs leaves out labels without a text.
        labels: [
          { text: ' ', width: plates[n]!.width, height: plates[n]!.height, layoutOptions: onItsArrow },
        ],
      })),
    ],
  };
  return drawn(await elk.layout(graph), boxes, bundles, plates);
}

function drawn(graph: ElkNode, boxes: SetBox[], bundles: number[][], plates: Plate[]): Drawing {
  const edges = new Map(graph.edges!.map((edge) => [edge.id, edge]));
  const placed = boxes.map((box) => ({ box, at: graph.children!.find(({ id }) => id === box.id)! }));
  const laid = bundles.map((transitions, n) => ({
    transitions,
    edge: edges.get(String(n))!,
    plate: plates[n]!,
  }));
  return {
    width: Math.ceil(graph.width!),
    height: Math.ceil(graph.height!),
    boxes: placed.map(({ box, at }) => ({
      id: box.id,
      ...placeOf(at),
      runs: rounded(moveRuns(box.runs, at.x!, at.y!)),
    })),
    arrows: laid.map(
      ({ transitions, edge }): Arrow => ({
        transitions,
        points: pointsOf(edge),
        plate: placeOf(edge.labels![0]!),
      }),
    ),
    letterings: [
      ...placed.flatMap(({ box, at }) => box.letterings.map((each) => movedTo(each, at))),
      ...laid.flatMap(({ edge, plate }) => plate.letterings.map((each) => movedTo(each, edge.labels![0]!))),
    ],
    beginning: { points: pointsOf(edges.get('')!) },
  };
}

function pointsOf({ sections }: ElkExtendedEdge): Arrow['points'] {
  const { startPoint, bendPoints = [], endPoint } = sections![0]!;
  return [startPoint, ...bendPoints, endPoint].map(({ x, y }) => [round(x), round(y)]);
}
