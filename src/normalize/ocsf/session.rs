//! The document of a session: Network Activity that is closed, reset or refused, or goes on.

use crate::{
    event::{Batch, Ending, Session},
    normalize::{pen::Pen, row::Row, session::put_floodmark_of_session, text::put_uint},
};

use super::{
    Activity, Writer,
    endpoint::{Device, put_endpoints},
    event::{VPC, put_cloud, put_times},
};

/// What a session's document says happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Closing {
    Closed,
    Reset,
    Refused,
    GoesOn,
}

// === impl Closing ===

impl Closing {
    /// Every one, in the order of its number.
    pub(super) const ALL: [Self; 4] = [Self::Closed, Self::Reset, Self::Refused, Self::GoesOn];

    fn of(session: &Session) -> Self {
        match session.ending {
            Some(Ending::Finished | Ending::Idle) => Self::Closed,
            Some(Ending::Reset) => Self::Reset,
            Some(Ending::Refused) => Self::Refused,
            None => Self::GoesOn,
        }
    }

    /// The members that tell it.
    pub(super) const fn members(self) -> &'static str {
        match self {
            Self::Closed => {
                "\"activity_id\":2,\"activity_name\":\"Close\",\"type_uid\":400102,\
                \"type_name\":\"Network Activity: Close\",\"action_id\":1,\"action\":\"Allowed\",\
                \"disposition_id\":1,\"disposition\":\"Allowed\",\"status_id\":1,\"status\":\"Success\","
            }
            Self::Reset => {
                "\"activity_id\":3,\"activity_name\":\"Reset\",\"type_uid\":400103,\
                \"type_name\":\"Network Activity: Reset\",\"action_id\":1,\"action\":\"Allowed\",\
                \"disposition_id\":1,\"disposition\":\"Allowed\",\"status_id\":1,\"status\":\"Success\","
            }
            Self::Refused => Activity::Refused.members(),
            Self::GoesOn => Activity::Allowed.members(),
        }
    }
}

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
        out.put_slice(&self.session_heads[Closing::of(session) as usize]);
        out.put(&event.id.text());
        out.put_slice(VPC);
        out.close();
        out.close();
        put_times(Some(session.start), Some(session.end), self.now_millis, out);
        if let Some(points) = session.points {
            out.put(b"\"risk_score\":");
            put_uint(out, points.into());
            out.push(b',');
        }
        out.put(b"\"count\":");
        put_uint(out, session.records.into());
        out.put_slice(match session.initiator {
            Some(_) => b",\"is_src_dst_assignment_known\":true,",
            None => b",\"is_src_dst_assignment_known\":false,",
        });
        if let Some(service) = event.service {
            out.put(b"\"app_name\":\"");
            out.put_slice(service.as_bytes());
            out.put(b"\",");
        }
        // No single interface has seen it.
        let nobody = Device::of(&row, None);
        put_endpoints(&row, &nobody, &mut self.places, &mut self.assets, out);
        self.connections.put_of_session(&row, &session.id.text(), out);
        put_both_ways(session, out);
        put_cloud(&row, out);
        out.object(b"\"unmapped\":{", |out| {
            put_floodmark_of_session(&row, session, &mut self.assets, rate, out);
        });
        out.end_line();
    }
}

/// Appends how much was sent: what went out is the client's.
fn put_both_ways(session: &Session, out: &mut Pen<'_>) {
    let (client, server) = (&session.client, &session.server);
    let mut separator: &[u8] = b"\"traffic\":{\"bytes\":";
    for (number, next) in [
        (client.bytes.saturating_add(server.bytes), &b",\"bytes_out\":"[..]),
        (client.bytes, b",\"bytes_in\":"),
        (server.bytes, b",\"packets\":"),
        (client.packets.saturating_add(server.packets), b",\"packets_out\":"),
        (client.packets, b",\"packets_in\":"),
        (server.packets, b"},"),
    ] {
        out.put_slice(separator);
        put_uint(out, number);
        separator = next;
    }
    out.put_slice(separator);
}
