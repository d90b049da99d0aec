-- A process that has slept for longer than facts are kept must still find the numbers taken that its successor has
-- used, though their rows are gone. Looked at after the rows are in, by a snapshot of that moment: until then
-- those that pruning deletes collide by themselves.
CREATE FUNCTION "refuse_pruned_facts"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT FROM appended JOIN pools ON pools.pool = appended.pool AND pools.pruned_seq >= appended.seq) THEN
		RAISE unique_violation USING MESSAGE = 'the facts of this number have been pruned';
	END IF;
	RETURN NULL;
END
$$;
--> statement-breakpoint
CREATE TRIGGER "token_events_refuse_pruned" AFTER INSERT ON "token_events"
REFERENCING NEW TABLE AS appended FOR EACH STATEMENT EXECUTE FUNCTION "refuse_pruned_facts"();
