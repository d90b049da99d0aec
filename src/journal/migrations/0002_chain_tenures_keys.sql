CREATE TABLE "keyed_outcomes" (
	"pool" text NOT NULL,
	"key" text NOT NULL,
	"fingerprint" text NOT NULL,
	"outcome" jsonb NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"ordinal" bigserial NOT NULL,
	CONSTRAINT "keyed_outcomes_pool_key_pk" PRIMARY KEY("pool","key")
);
--> statement-breakpoint
CREATE TABLE "pools" (
	"pool" text PRIMARY KEY NOT NULL,
	"opened_seq" bigint NOT NULL,
	"tokens_digest" text NOT NULL,
	"chain_seq" bigint NOT NULL,
	"chain_digest" text NOT NULL,
	"pruned_seq" bigint DEFAULT 0 NOT NULL
);
--> statement-breakpoint
CREATE TABLE "pruned_tokens" (
	"pool" text NOT NULL,
	"id" uuid NOT NULL,
	"status" text NOT NULL,
	"user_id" text,
	"lease_id" uuid,
	"fence" bigint,
	"activated_at" timestamp (3) with time zone,
	"expires_at" timestamp (3) with time zone,
	"ttl_ms" bigint,
	"metadata" jsonb,
	"seq" bigint NOT NULL,
	CONSTRAINT "pruned_tokens_pool_id_pk" PRIMARY KEY("pool","id")
);
--> statement-breakpoint
CREATE TABLE "tenures" (
	"pool" text PRIMARY KEY NOT NULL,
	"holder" uuid NOT NULL,
	"alive_until" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
ALTER TABLE "token_events" ADD COLUMN "digest" text DEFAULT '' NOT NULL;--> statement-breakpoint
CREATE INDEX "keyed_outcomes_by_age" ON "keyed_outcomes" USING btree ("ordinal");