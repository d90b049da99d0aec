CREATE TABLE "token_events" (
	"pool" text NOT NULL,
	"seq" bigint NOT NULL,
	"token_id" uuid,
	"type" text NOT NULL,
	"reason" text NOT NULL,
	"user_id" text,
	"lease_id" uuid,
	"fence" bigint,
	"at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone,
	"metadata" jsonb,
	CONSTRAINT "token_events_pool_seq_pk" PRIMARY KEY("pool","seq")
);
--> statement-breakpoint
CREATE TABLE "tokens" (
	"pool" text NOT NULL,
	"id" uuid NOT NULL,
	"ordinal" integer NOT NULL,
	"status" text NOT NULL,
	"user_id" text,
	"lease_id" uuid,
	"fence" bigint,
	"activated_at" timestamp (3) with time zone,
	"expires_at" timestamp (3) with time zone,
	"ttl_ms" bigint,
	"metadata" jsonb,
	"seq" bigint NOT NULL,
	CONSTRAINT "tokens_pool_id_pk" PRIMARY KEY("pool","id")
);
--> statement-breakpoint
CREATE INDEX "token_events_by_token" ON "token_events" USING btree ("pool","token_id","seq");--> statement-breakpoint
CREATE INDEX "token_events_endings_by_lease" ON "token_events" USING btree ("lease_id") WHERE type in ('released', 'expired');