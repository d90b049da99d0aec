-- Every commit updates a few rows of this small table: room on each page keeps those updates on the page,
-- and out of the index.
ALTER TABLE "tokens" SET (fillfactor = 50);
