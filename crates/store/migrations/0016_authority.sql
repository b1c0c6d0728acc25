-- Goes up, in the same transaction, with every change that can make what a node remembers of a token wrong: whatever decisions
-- depend on, and every token that ends. Nodes look at this one number instead of at every token.
INSERT INTO counters (name, value) VALUES ('authority', 0);
