//! How work flows and how its delivery is confirmed: receipts, the window in flight, bounded queues, backoff.
