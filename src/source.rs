//! Where records come from: files read once or followed, and stdin.
