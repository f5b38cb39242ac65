"""Rule packs as data, the engine that judges one rule on facts, and the certificate over a whole pack."""
