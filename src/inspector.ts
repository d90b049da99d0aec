/**
 * Stately's own inspector, for whoever has it: the actors of the default pool, the events between them and the states they are in.
 * What it is shown is made here, of listed members alone: the actors themselves, with their leases, never get there. Not for production.
 */
import type { ActorRefLike, InspectionEvent, Observer } from 'xstate';
import type { Pool } from './pool/pool.ts';
import { type AnyEvent, detailOf, shownEvent } from './pool/shown-event.ts';

interface Inspector {
  inspect: Observer<InspectionEvent>;
}

/** What of an actor the inspector asks for. */
type Actor = ActorRefLike & {
  id: string;
  logic: { config: unknown };
  _parent?: Actor | undefined;
};

type Load = () => Promise<{ createWebSocketInspector(options: { url: string }): Inspector }>;

/**
 * Connects to the WebSocket of an inspector, and says what shows it a pool. Rejects where the package is missing, in words for the
 * person who starts the service.
 */
export async function openInspector(
  url: string,
  load: Load = () => import('@statelyai/inspect'),
): Promise<(pool: Pool) => void> {
  const { createWebSocketInspector } = await load().catch((error) => {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new Error(
      'STATELY_INSPECTOR needs the package @statelyai/inspect: npm install --no-save @statelyai/inspect',
    );
  });
  const inspector = createWebSocketInspector({ url });
  return ({ inspection }) => {
    const shown = new Set<string>();
    inspection.observe({ next: (event) => show(event, shown, inspector.inspect) });
  };
}

/** Each actor is shown before whatever happens to it; a large pool's, only those to which something does. */
function show(seen: InspectionEvent, shown: Set<string>, { next }: Observer<InspectionEvent>): void {
  if (seen.type !== '@xstate.event' && seen.type !== '@xstate.snapshot') return;
  // Of the many that a pool starts at once, none has done anything yet.
  if (seen.event.type === 'xstate.init') return;
  const { rootId, event } = seen;
  const target = actorOf(seen.actorRef);
  const source = seen.type === '@xstate.event' && seen.sourceRef ? actorOf(seen.sourceRef) : undefined;
  for (const actorRef of [target._parent, target, source]) {
    if (actorRef === undefined || shown.has(actorRef.sessionId)) continue;
    shown.add(actorRef.sessionId);
    next?.({ type: '@xstate.actor', rootId, actorRef });
  }
  const common = { rootId, actorRef: target, event: eventOut(event as AnyEvent) };
  if (seen.type === '@xstate.event') next?.({ ...common, type: '@xstate.event', sourceRef: source });
  else next?.({ ...common, type: '@xstate.snapshot', snapshot: snapshotOut(seen.snapshot) });
}

/** What stands for it, as it is now. */
function actorOf(ref: ActorRefLike): Actor {
  const { sessionId, id, logic, _parent } = ref as Actor;
  const snapshot = snapshotOut(ref.getSnapshot());
  return {
    sessionId,
    id,
    logic: { config: logic.config },
    _parent: _parent && actorOf(_parent),
    getSnapshot: () => snapshot,
    send() {},
  };
}

function eventOut(event: AnyEvent): { type: string } {
  const { detail, tokenId, userId } = shownEvent(event);
  return { type: event.type, ...detail, ...(tokenId && { tokenId }), ...(userId && { userId }) };
}

type Seen = { status?: unknown; value?: unknown; context?: { lease?: Lease | null; tokenId?: string } };
type Lease = { userId: string };

function snapshotOut(snapshot: unknown): never {
  const { status, value, context = {} } = snapshot as Seen;
  const { lease, tokenId } = context;
  const held = lease ? { ...detailOf({ ...lease }), userId: lease.userId } : {};
  return {
    status,
    value,
    context: { ...detailOf({ ...context }), ...held, ...(tokenId && { tokenId }) },
  } as never;
}
