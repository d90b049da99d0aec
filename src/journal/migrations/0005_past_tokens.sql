-- The log before the tokens, as a commit of the process that serves meanwhile takes them: else each could wait for the other.
CREATE INDEX "token_events_of_maintenance" ON "token_events" USING btree ("pool","token_id","seq") WHERE type in ('withdrawn', 'restored');
--> statement-breakpoint
CREATE TABLE "past_tokens" (
	"pool" text NOT NULL,
	"id" uuid NOT NULL,
	"name" text,
	"labels" jsonb NOT NULL,
	"ordinal" bigint NOT NULL,
	"made_seq" bigint NOT NULL,
	"gone_seq" bigint NOT NULL,
	CONSTRAINT "past_tokens_pool_gone_seq_id_pk" PRIMARY KEY("pool","gone_seq","id")
);
--> statement-breakpoint
ALTER TABLE "tokens" ADD COLUMN "made_seq" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX "past_tokens_by_life" ON "past_tokens" USING gist (int8range(made_seq, gone_seq));
--> statement-breakpoint
-- The logs tell of most of the tokens that have gone before there was this table: of all but those that came with their
-- pool and that no fact names. What those were like that came so, and in which order they stood, has gone with them.
WITH "named" AS MATERIALIZED (
	SELECT "pool", "token_id", min("seq") AS "first_seq", max("seq") AS "last_seq",
		min("seq") FILTER (WHERE "type" = 'created') AS "created_seq",
		max("seq") FILTER (WHERE "type" = 'deleted') AS "deleted_seq"
	FROM "token_events" WHERE "token_id" IS NOT NULL GROUP BY "pool", "token_id"
), "turns" AS MATERIALIZED (
	SELECT "pool", "seq", "type" FROM "token_events"
	WHERE "type" = 'closed' OR ("type" = 'opened' AND "metadata" IS NOT NULL)
), "told" AS (
	UPDATE "tokens" SET "made_seq" = coalesce(
		(SELECT "created_seq" FROM "named" WHERE "named"."pool" = "tokens"."pool" AND "token_id" = "tokens"."id"),
		(SELECT max("seq") FROM "turns" WHERE "turns"."pool" = "tokens"."pool" AND "type" = 'opened'), 0)
)
INSERT INTO "past_tokens" ("pool", "id", "name", "labels", "ordinal", "made_seq", "gone_seq")
SELECT "named"."pool", "named"."token_id", coalesce("created"."metadata" ->> 'name', "pruned"."name"),
	coalesce("created"."metadata" -> 'labels', "pruned"."labels", '{}'), 0, coalesce("created_seq", "made_seq", 0), "gone_seq"
FROM "named"
CROSS JOIN LATERAL (SELECT max("seq") AS "made_seq" FROM "turns"
	WHERE "turns"."pool" = "named"."pool" AND "type" = 'opened' AND "seq" < "first_seq") AS "came"
CROSS JOIN LATERAL (SELECT coalesce("deleted_seq", min("seq")) AS "gone_seq" FROM "turns"
	WHERE "turns"."pool" = "named"."pool" AND "type" = 'closed' AND "seq" > "last_seq") AS "went"
LEFT JOIN "token_events" AS "created" ON "created"."pool" = "named"."pool" AND "created"."seq" = "created_seq"
LEFT JOIN "pruned_tokens" AS "pruned" ON "pruned"."pool" = "named"."pool" AND "pruned"."id" = "named"."token_id"
WHERE "gone_seq" IS NOT NULL;
