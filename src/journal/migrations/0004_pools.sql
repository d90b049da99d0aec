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