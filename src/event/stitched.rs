//! Sessions as rows: a batch of their own, so that what enriches, chooses and writes the events of records does the same for
//! sessions. What a row cannot say (what the other side sent, who began, why it is over) stands in the session beside it.

use std::{io::Write, net::IpAddr, sync::LazyLock};

use super::{
    Batch, Chunk, EntityName, Entry, Event, Field, Layout, Origin, Partition, Record, Session, SourceId,
    Span, Value,
};

/// The columns of a row, in the order of their slots.
const COLUMNS: [Field; 13] = [
    Field::AccountId,
    Field::SrcAddr,
    Field::DstAddr,
    Field::SrcPort,
    Field::DstPort,
    Field::Protocol,
    Field::Packets,
    Field::Bytes,
    Field::Start,
    Field::End,
    Field::Action,
    Field::VpcId,
    Field::Region,
];

static LAYOUT: LazyLock<Layout> = LazyLock::new(|| {
    let names = COLUMNS.iter().map(|field| field.info().name);
    Layout::of_names(names).unwrap_or_else(|error| unreachable!("these columns are a layout: {error}"))
});

// === impl Batch ===

impl Batch {
    /// Makes a batch of its sessions, where it has any: one event for each, whose source is the client and which says what
    /// the client sent.
    pub fn lay_out_sessions(&mut self) -> Option<&mut Self> {
        if self.sessions.is_empty() {
            return None;
        }
        let stitched = self.stitched.get_or_insert_default();
        let chunk = stitched.empty();
        let mut bytes = chunk.map(|chunk| chunk.bytes).unwrap_or_default();
        bytes.clear();
        let chunk = Chunk::new(SourceId(0), Partition::new("sessions"), Origin::from_text("sessions"), bytes);
        stitched.fill(chunk, self.serial);
        stitched.is_of_sessions = true;
        std::mem::swap(&mut stitched.sessions, &mut self.sessions);
        stitched.lay_out();
        Some(stitched)
    }

    /// The batch of its sessions, where it has one.
    #[must_use]
    pub fn of_sessions(&self) -> Option<&Self> {
        self.stitched.as_deref().filter(|stitched| !stitched.sessions.is_empty())
    }

    fn lay_out(&mut self) {
        let Self { chunk: Some(chunk), sessions, events, values, derived, .. } = self else { return };
        chunk.records.push(Record { position: 0, end: 0, first_index: 0 });
        for (nth, session) in (0..).zip(sessions.iter()) {
            let row = values.len();
            let start = chunk.bytes.len();
            let scope = scope_of(session);
            let mut text = |text: Option<&str>| {
                text.map_or(Value::Absent, |text| Value::Text(put(text, &mut chunk.bytes)))
            };
            let account = text(scope.and_then(EntityName::account));
            let (vpc, region) =
                (text(scope.and_then(EntityName::vpc)), text(scope.and_then(EntityName::region)));
            let action = text(Some(if session.accepted { "ACCEPT" } else { "REJECT" }));
            let (client, server) = (&session.client, &session.server);
            let [source, destination] =
                [client, server].map(|party| address_value(party.address, &mut chunk.bytes, derived));
            values.extend::<[Value; COLUMNS.len()]>([
                account,
                source,
                destination,
                Value::Uint(client.port.into()),
                Value::Uint(server.port.into()),
                Value::Uint(session.protocol.into()),
                Value::Uint(client.packets),
                Value::Uint(client.bytes),
                Value::Uint(session.start),
                Value::Uint(session.end),
                action,
                vpc,
                region,
            ]);
            let entry = Entry { span: Span::new(start, chunk.bytes.len()), record: 0, index: nth };
            let mut event = Event::unnamed(chunk, entry, &LAYOUT, row, 0);
            event.id = session.document;
            events.push(event);
        }
    }
}

/// Where the session is: as far as the client's scope says, else as the server's does.
fn scope_of(session: &Session) -> Option<&EntityName> {
    let named = [&session.server, &session.client].map(|party| party.entity.as_deref());
    named.into_iter().flatten().max_by_key(|name| name.vpc().is_some())
}

fn put(text: &str, bytes: &mut Vec<u8>) -> Span {
    let start = bytes.len();
    bytes.extend_from_slice(text.as_bytes());
    Span::new(start, bytes.len())
}

fn address_value(address: IpAddr, bytes: &mut Vec<u8>, derived: &mut Vec<u8>) -> Value {
    let start = bytes.len();
    // Writing to a vector does not fail.
    let _ = write!(bytes, "{address}");
    let text = Span::new(start, bytes.len());
    match address {
        IpAddr::V4(address) => Value::V4(address, text),
        IpAddr::V6(address) => {
            let octets = derived.len() as u32;
            derived.extend_from_slice(&address.octets());
            Value::V6 { text, octets }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_columns_stand_in_the_order_of_the_slots() {
        let fields = LAYOUT.fields();
        for (slot, column) in COLUMNS.into_iter().enumerate() {
            assert_eq!(fields.slot(column), Some(slot), "{column:?}");
        }
        assert_eq!(fields.len(), COLUMNS.len());
    }
}
