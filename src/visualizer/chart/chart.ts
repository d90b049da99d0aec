/**
 * What a machine object says of itself, as plain data: its states, and every transition that it may take, in the order in
 * which it considers them. Read from the very object that runs, so that a picture of it cannot say anything else.
 */
import type { AnyStateMachine, AnyStateNode } from 'xstate';

export interface ChartState {
  id: string;
  isInitial: boolean;
  isFinal: boolean;
  /** The names of the actions on entering. */
  entry: string[];
}

export interface ChartTransition {
  /** A state, or the machine itself where it holds in all of them. */
  source: string;
  /** null: it stays where it is. */
  target: string | null;
  /** Whether it leaves and enters its state again, so that its timer begins anew. */
  reenter: boolean;
  /** `ALLOCATE`, `always`, or the name of the delay that has passed. */
  event: string;
  isDelay: boolean;
  guard: string | null;
  actions: string[];
  /** Its place among those that are considered at the same event, from 0. */
  index: number;
  /** How many are. */
  of: number;
}

export interface Chart {
  /** What the machine calls itself: the source of what holds in all states. */
  id: string;
  states: ChartState[];
  transitions: ChartTransition[];
}

/** Throws where the machine has what is not drawn: states within states, several targets, or actions without names. */
export function chartOf({ root }: AnyStateMachine): Chart {
  const initial = root.initial.target[0]!.key;
  const nodes: AnyStateNode[] = Object.values(root.states);
  for (const { type, id, invoke, exit } of nodes)
    if ((type !== 'atomic' && type !== 'final') || invoke.length > 0 || !exit.every(isOfDelay))
      throw new Error(`${id} has parts that are not drawn`);
  return {
    id: root.key,
    states: nodes.map(({ key, type, entry }) => ({
      id: key,
      isInitial: key === initial,
      isFinal: type === 'final',
      entry: entry.filter((action) => !isOfDelay(action)).map(nameOf),
    })),
    transitions: [root, ...nodes].flatMap(transitionsOf),
  };
}

function transitionsOf(node: AnyStateNode): ChartTransition[] {
  const delays = new Map(node.after.map(({ eventType, delay }) => [eventType as string, String(delay)]));
  const always = node.always ?? [];
  return [...(always.length > 0 ? [['always', always] as const] : []), ...node.transitions].flatMap(
    ([type, candidates]) =>
      candidates.map(({ target = [], reenter, guard, actions }, index) => {
        if (target.length > 1)
          throw new Error(`${type} of ${node.id} has several targets, which is not drawn`);
        return {
          source: node.key,
          target: target[0]?.key ?? null,
          reenter,
          event: delays.get(type) ?? type,
          isDelay: delays.has(type),
          guard: guard === undefined ? null : nameOf(guard),
          actions: actions.map(nameOf),
          index,
          of: candidates.length,
        };
      }),
  );
}

/** XState sets a timer on entering and clears it on leaving; that is said by the transition after the delay. */
const isOfDelay = (action: unknown): boolean =>
  ['xstate.raise', 'xstate.cancel'].includes((action as { type: string }).type);

/** With the code that it is always given, where there is one: `refuse(pool_full)`. */
function nameOf(named: unknown): string {
  if (typeof named === 'string') return named;
  const { type, params } = named as { type?: unknown; params?: unknown };
  if (typeof named === 'function' || typeof type !== 'string')
    throw new Error('an action or guard has no name');
  const { code } = (typeof params === 'object' && params !== null ? params : {}) as { code?: string };
  return code === undefined ? type : `${type}(${code})`;
}
