//! What must survive a restart, in one transactional file: a header, positions, and what scoring remembers.
