CREATE TABLE "openings" (
	"only" boolean PRIMARY KEY DEFAULT true NOT NULL,
	"number" bigint NOT NULL
);
--> statement-breakpoint
ALTER TABLE "pruned_tokens" ALTER COLUMN "status" DROP NOT NULL;--> statement-breakpoint
ALTER TABLE "tokens" ALTER COLUMN "ordinal" SET DATA TYPE bigint;--> statement-breakpoint
ALTER TABLE "pools" ADD COLUMN "options" jsonb;--> statement-breakpoint
ALTER TABLE "pools" ADD COLUMN "closed" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "pools" ADD COLUMN "last_ordinal" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "pools" ADD COLUMN "pruned_size" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "pools" ADD COLUMN "pruned_ordinal" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "pools" ADD COLUMN "pruned_options" jsonb;--> statement-breakpoint
ALTER TABLE "pruned_tokens" ADD COLUMN "name" text;--> statement-breakpoint
ALTER TABLE "pruned_tokens" ADD COLUMN "rests_until" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "pruned_tokens" ADD COLUMN "kept_until" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "pruned_tokens" ADD COLUMN "withdrawn_note" text;--> statement-breakpoint
ALTER TABLE "pruned_tokens" ADD COLUMN "withdrawn" boolean;--> statement-breakpoint
ALTER TABLE "pruned_tokens" ADD COLUMN "labels" jsonb;--> statement-breakpoint
ALTER TABLE "tokens" ADD COLUMN "name" text;--> statement-breakpoint
ALTER TABLE "tokens" ADD COLUMN "rests_until" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "tokens" ADD COLUMN "kept_until" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "tokens" ADD COLUMN "withdrawn_note" text;--> statement-breakpoint
ALTER TABLE "tokens" ADD COLUMN "withdrawn" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "tokens" ADD COLUMN "labels" jsonb DEFAULT '{}'::jsonb NOT NULL;
--> statement-breakpoint
-- An earlier version opens its one pool without counting that, and whoever holds the others would not learn of it. It
-- appends `opened` before it writes the pool's row; what counts openings writes both in one statement. So an earlier
-- version can write on where it has opened the pool before, and open none any more.
CREATE OR REPLACE FUNCTION "refuse_pruned_facts"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT FROM appended JOIN pools ON pools.pool = appended.pool AND pools.pruned_seq >= appended.seq) THEN
		RAISE unique_violation USING MESSAGE = 'the facts of this number have been pruned';
	END IF;
	IF EXISTS (
		SELECT FROM appended LEFT JOIN pools ON pools.pool = appended.pool
		WHERE appended.type = 'opened' AND appended.seq > coalesce(pools.opened_seq, 0)
	) THEN
		RAISE feature_not_supported USING MESSAGE = 'a newer version of Leasehold serves this database: start that one';
	END IF;
	RETURN NULL;
END
$$;
