//! What floodmark says of a session in every schema: who began it and how that is known, why it is over, where it goes.

use super::{
    activity::put_rate,
    asset::Assets,
    finding::put_id,
    floodmark::put_sides,
    paths::{
        ENTITY_KIND, SESSION_CONFIDENCE, SESSION_ENDING, SESSION_ENTITIES, SESSION_ID, SESSION_METHOD,
        SESSION_RECORDS, SESSION_RELATION, SESSION_WINDOWS,
    },
    pen::Pen,
    piece::piece,
    row::Row,
    text::{put_member, put_uint},
};
use crate::event::{Ending, InitiatorMethod, Relation, Session};

/// Appends the object. `rate` is for how many sessions the document stands.
pub(super) fn put_floodmark_of_session(
    row: &Row<'_>,
    session: &Session,
    assets: &mut Assets,
    rate: u32,
    out: &mut Pen<'_>,
) {
    let (source, destination) = row.batch.ends(row.event);
    out.object(piece![Open(ENTITY_KIND, 0)], |out| {
        put_sides(row, assets, out);
        out.object(piece![Open(SESSION_ID, 1)], |out| {
            put_id(piece![Key(SESSION_ID), Text("\"")], session.id.text(), out);
            put_member(out, piece![Key(SESSION_ENDING)], session.ending.map(Ending::name));
            if let Some(method) = session.initiator {
                put_initiator(method, out);
            }
            let relation = Relation::between(source, destination);
            put_member(out, piece![Key(SESSION_RELATION)], relation.map(Relation::name));
            for (key, number) in [
                (&piece![Key(SESSION_RECORDS)][..], session.records),
                (piece![Key(SESSION_WINDOWS)], session.windows),
            ] {
                out.put_slice(key);
                put_uint(out, number.into());
                out.push(b',');
            }
            put_entities(session, out);
        });
        put_rate(rate, out);
    });
}

fn put_initiator(method: InitiatorMethod, out: &mut Pen<'_>) {
    out.object(piece![Open(SESSION_METHOD, 2)], |out| {
        put_member(out, piece![Key(SESSION_METHOD)], Some(method.name()));
        let hundredths = method.confidence();
        out.put(piece![Key(SESSION_CONFIDENCE), Text("0.")]);
        out.push(b'0' + hundredths / 10);
        out.push(b'0' + hundredths % 10);
        out.push(b',');
    });
}

fn put_entities(session: &Session, out: &mut Pen<'_>) {
    let named = [&session.client, &session.server].map(|party| party.entity.as_deref());
    let [client, server] = named.map(|entity| entity.map(|entity| entity.name()));
    out.enclosed(piece![Key(SESSION_ENTITIES), Text("[")], b"],", |out| {
        put_member(out, b"", client);
        put_member(out, b"", server.filter(|server| Some(*server) != client));
    });
}
