//! What a fold has to say of a session, as the event that leaves.

use std::sync::{Arc, LazyLock};

use crate::{
    event::{EntityName, IdScheme, Party, Session},
    score::{grid::Grid, grid::Window, whose::address::address},
};

use super::{
    Outcome,
    leg::{At, Who},
};

/// How sessions and their documents are named.
static IDS: LazyLock<(IdScheme, IdScheme)> =
    LazyLock::new(|| (IdScheme::named("session"), IdScheme::named("session-document")));

/// The event that `outcome`, of the fold of `window`, leaves as; `named` gives the name of an entity that is still here.
pub(in crate::score) fn document(
    outcome: &Outcome,
    window: Window,
    named: impl Fn(Who) -> Option<Arc<EntityName>>,
) -> Session {
    let Outcome { session, ending, initiator } = outcome;
    let (tuple, said) = (&session.tuple, &session.said);
    let client = initiator.map_or(At::Low, |(at, _)| at);
    let party = |at: At| {
        let (number, port) = tuple.end(at);
        let way = session.sent[at as usize];
        Party {
            address: address(number),
            port,
            bytes: way.bytes(),
            packets: way.packets(),
            entity: Some(said.who[at as usize]).filter(|who| *who != Who::NOBODY).and_then(&named),
        }
    };
    let [low, high] = At::BOTH.map(|at| tuple.end(at));
    let id = IDS.0.of_parts(&[
        &low.0.to_be_bytes(),
        &low.1.to_be_bytes(),
        &high.0.to_be_bytes(),
        &high.1.to_be_bytes(),
        &[tuple.protocol],
        &tuple.estate.to_be_bytes(),
        &session.start().to_be_bytes(),
    ]);
    // It goes on at the end of an hour, and ends once.
    let revision = if ending.is_some() { 0 } else { Grid::end(window) };
    Session {
        id,
        document: IDS.1.of_parts(&[&id.0, &revision.to_be_bytes()]),
        client: party(client),
        server: party(client.other()),
        initiator: initiator.map(|(_, method)| method),
        protocol: tuple.protocol,
        start: session.start().into(),
        end: said.last.into(),
        ending: *ending,
        records: said.records,
        windows: session.windows.into(),
        accepted: said.accepted(At::Low) || said.accepted(At::High),
        points: session.judged.points(),
        raised: session.judged.raised(),
    }
}
