//! What folds have to say of sessions: each shard's end in turn, and what is known of the hosts at both ends is asked of theirs.

use std::sync::{Arc, MutexGuard};

use crate::event::Session;

use super::{
    grid::Window,
    sessions::{Hosts, document::document, judged::Judged, leg::Who},
    shard::Shard,
};

/// The hosts of all shards.
struct Everybody<'a, 'b>(&'a [MutexGuard<'b, Shard>]);

// === impl Everybody ===

impl Hosts for Everybody<'_, '_> {
    fn serves(&self, who: Who, protocol: u8, port: u16) -> bool {
        self.0[who.shard()].entity_of(who).is_some_and(|entity| entity.serves(protocol, port))
    }

    fn judged(&self, who: Who, window: Window) -> Judged {
        self.0[who.shard()].judged.get(&(window, who.slot() as u32)).copied().unwrap_or_default()
    }
}

/// Folds the sessions of all shards after `folded` and through `through`; what is to be said of them is appended to `out`, in
/// the order of windows and tuples. Where it is `over`, what goes on is told too.
pub(super) fn end_sessions(
    shards: &mut [MutexGuard<'_, Shard>],
    (folded, through): (Window, Window),
    over: bool,
    out: &mut Vec<Session>,
) {
    let mut told = Vec::new();
    for nth in 0..shards.len() {
        // While it folds, its hosts are asked.
        let mut sessions = std::mem::take(&mut shards[nth].sessions);
        let hosts = Everybody(shards);
        sessions.fold_through(folded, through, &hosts, &mut told);
        if over {
            sessions.tell_rest(through, &hosts, &mut told);
        }
        shards[nth].sessions = sessions;
    }
    shards.iter_mut().for_each(|shard| shard.judged.clear());
    told.sort_unstable_by(|(one, this), (other, that)| {
        one.cmp(other).then_with(|| this.session.tuple.cmp(&that.session.tuple))
    });
    let named = |who: Who| Some(Arc::clone(&shards[who.shard()].entity_of(who)?.name));
    out.extend(told.iter().map(|(window, outcome)| document(outcome, *window, named)));
}
