//! How unusual each host's traffic is, against its own past and its peers'.
