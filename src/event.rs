//! The nouns that everything carries: chunks of bytes as received, batches of events, documents as sent.
