/** The charts of the page: of the two machines that run, in both layouts. For the build alone; the page gets them as data. */
import type { AnyStateMachine } from 'xstate';
import { poolMachine } from '../../pool/pool-machine.ts';
import { tokenMachine } from '../../token/token-machine.ts';
import { chartOf } from './chart.ts';
import type { DrawnChart, DrawnCharts } from './drawing.ts';
import { layout } from './layout.ts';
import { tracksOf } from './tracks.ts';

export async function drawCharts(): Promise<DrawnCharts> {
  return { token: await draw(tokenMachine), pool: await draw(poolMachine as unknown as AnyStateMachine) };
}

async function draw(machine: AnyStateMachine): Promise<DrawnChart> {
  const chart = chartOf(machine);
  return { ...chart, wide: await layout(chart), narrow: tracksOf(chart) };
}
