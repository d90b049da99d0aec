/** The log, held against every invariant while it goes on: the answer at once, or line by line as it comes about. */
import { z } from 'zod';
import { map } from '../lease/refusal.ts';
import { type Progress, verificationOut } from '../lease/violation.ts';
import type { Service } from '../service/service.ts';
import type { Place } from './place.ts';
import { none } from './requests.ts';
import { type AnyRoute, route } from './route.ts';

const seq = z.int().min(0);

const VerificationAnswer = z
  .strictObject({
    sound: z.boolean(),
    facts: z.int().min(0).openapi({ description: 'How many were checked' }),
    tokens: z.int().min(0),
    from_seq: seq.openapi({ description: 'The first fact that has not been pruned' }),
    head_seq: seq.openapi({ description: 'The newest fact when it began; later ones are not part of it' }),
    violations: z
      .array(
        z.strictObject({
          invariant: z.string().openapi({ example: 'I8' }),
          seq: z.int().nullable(),
          token_id: z.string().nullable(),
          message: z.string(),
        }),
      )
      .openapi({ description: 'The first hundred' }),
    violations_total: z.int().min(0),
    elapsed_ms: z.int().min(0),
  })
  .openapi('Verification');

const ProgressLine = z
  .strictObject({ facts: z.int().min(0), from_seq: seq, head_seq: seq, violations_total: z.int().min(0) })
  .openapi('VerificationProgress');

/** Of lines that say how it goes. */
const lineEveryMs = 500;

export const verifyRoutes = (service: Service, place: Place): AnyRoute[] => [
  route({
    method: 'get',
    path: `${place.base}/verify`,
    tag: 'Event log',
    summary: 'Check the log against every invariant',
    description:
      'Reads every fact up to the newest one and the table of tokens, and names each violation with its invariant, ' +
      'the `seq` where it shows and its token. Others are served meanwhile, if slower. It goes on for minutes where the log is long: ' +
      'with `Accept: application/x-ndjson` it says every now and then how far it has come, and ends with a line that is the answer, or ' +
      'a Problem. One check at a time. It stops when nobody listens any more. A standby answers it too.',
    params: place.params,
    query: none,
    answer: VerificationAnswer,
    line: ProgressLine,
    refusals: ['verify_running'],
    handle: async ({ params }, { gone, tell }) => {
      const startedAt = service.elapsed();
      let toldAt = startedAt;
      const progress = (state: Progress) => {
        if (service.elapsed() - toldAt < lineEveryMs) return;
        toldAt = service.elapsed();
        tell(progressOut(state));
      };
      const found = await service.verify({ signal: gone(), progress }, (params as { pool?: string }).pool);
      return map(found, (verification) =>
        verificationOut(verification, Math.round(service.elapsed() - startedAt)),
      );
    },
  }),
];

const progressOut = ({ facts, fromSeq, headSeq, violations }: Progress): z.infer<typeof ProgressLine> => ({
  facts,
  from_seq: fromSeq,
  head_seq: headSeq,
  violations_total: violations,
});
