//! What the record does not say: where an address is, whose it is, which way the flow goes.
