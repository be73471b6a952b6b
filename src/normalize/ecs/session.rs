//! The document of a session: both ways, in the places where that of a flow has one.

use crate::{
    event::{Batch, Field, Party, Session},
    normalize::{
        paths::{
            DESTINATION_BYTES, DESTINATION_PACKETS, EVENT_ACTION, EVENT_ID, EVENT_OUTCOME, EVENT_RISK_SCORE,
            EVENT_TYPE, SIDE_PORT, SOURCE_ADDRESS, SOURCE_IP, TIMESTAMP, column,
        },
        pen::Pen,
        piece::piece,
        row::Row,
        session::put_floodmark_of_session,
        side::Side,
        text::put_uint,
    },
};

use super::{
    Writer,
    event::{put_cloud, put_host, put_interface, put_related, put_times},
    place::Places,
};

const SOURCE: &str = column(Field::SrcAddr, 0);
const DESTINATION: &str = column(Field::DstAddr, 0);

// === impl Writer ===

impl Writer {
    /// Appends the document of `session`, which is event number `index` of its batch.
    pub(super) fn put_session(
        &mut self,
        batch: &Batch,
        index: usize,
        session: &Session,
        rate: u32,
        out: &mut Pen<'_>,
    ) {
        let event = &batch.events[index];
        self.plan.fit(event.fields);
        let row = Row::new(batch, event, &self.plan);
        let [start, end] = [session.start, session.end].map(|time| (time, self.stamps.seconds(time)));
        out.put(piece![Text("{"), Key(TIMESTAMP), Text("\"")]);
        end.1.put(out);
        out.put(b"\",");
        out.put_slice(&self.session_head);
        put_outcome(session, out);
        out.put(piece![Key(EVENT_ID), Text("\"")]);
        out.put(&event.id.text());
        out.put(b"\",");
        put_times(Some(start), Some(end), out);
        if let Some(points) = session.points {
            out.put(piece![Key(EVENT_RISK_SCORE)]);
            put_uint(out, points.into());
            out.push(b',');
        }
        out.close();
        let mut put_party = |side, party, out: &mut Pen<'_>| {
            put_party(side, &row, party, self.slim, &mut self.places, out);
        };
        out.object(piece![Open(SOURCE, 0)], |out| put_party(Side::Source, &session.client, out));
        out.object(piece![Open(DESTINATION, 0)], |out| put_party(Side::Destination, &session.server, out));
        let both = |one: u64, other: u64| one.saturating_add(other);
        let (client, server) = (&session.client, &session.server);
        let sum = (both(client.bytes, server.bytes), both(client.packets, server.packets));
        self.networks.put_both_ways(&row, sum, out);
        put_cloud(&row, out);
        put_interface::<true>(&row, out);
        if !self.slim {
            put_host::<2>(&row, &mut self.assets, out);
            put_related::<true>(&row, &mut self.assets, out);
        }
        put_floodmark_of_session(&row, session, &mut self.assets, rate, out);
        out.end_line();
    }
}

/// Appends the members of one side: who it is, what it sent, where it is.
fn put_party(side: Side, row: &Row<'_>, party: &Party, slim: bool, places: &mut Places, out: &mut Pen<'_>) {
    let address = side.address(row);
    out.put(piece![Key(SOURCE_IP), Text("\"")]);
    row.put(address, out);
    if !slim {
        out.put(piece![Text("\","), Key(SOURCE_ADDRESS), Text("\"")]);
        row.put(address, out);
    }
    out.put(piece![Text("\","), Key(SIDE_PORT)]);
    put_uint(out, party.port.into());
    out.put(piece![Text(","), Key(DESTINATION_BYTES)]);
    put_uint(out, party.bytes);
    out.put(piece![Text(","), Key(DESTINATION_PACKETS)]);
    put_uint(out, party.packets);
    out.push(b',');
    places.put(side.outermost(row), out);
}

/// Appends what became of it, in the words that flows have for it.
fn put_outcome(session: &Session, out: &mut Pen<'_>) {
    out.put(piece![Key(EVENT_TYPE), Text("[\"connection\",")]);
    if session.ending.is_some() {
        out.put(b"\"end\",");
    }
    if session.accepted {
        out.put(piece![
            Text("\"allowed\"],"),
            Key(EVENT_ACTION),
            Text("\"accept\","),
            Key(EVENT_OUTCOME),
            Text("\"success\","),
        ]);
    } else {
        out.put(piece![
            Text("\"denied\"],"),
            Key(EVENT_ACTION),
            Text("\"reject\","),
            Key(EVENT_OUTCOME),
            Text("\"failure\","),
        ]);
    }
}
