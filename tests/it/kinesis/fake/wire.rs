//! HTTP as AWS's clients speak it to us, and the frames of an event stream.

use std::io::{self, Read, Write};

use super::{Ask, answers::Answer};

/// Reads one request; `kept` holds what has come of the next.
pub fn read(stream: &mut impl Read, kept: &mut Vec<u8>) -> io::Result<Ask> {
    let mut part = [0; 16 << 10];
    let mut more = |kept: &mut Vec<u8>| match stream.read(&mut part)? {
        0 => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
        read => {
            kept.extend_from_slice(&part[..read]);
            Ok(())
        }
    };
    let end = loop {
        if let Some(end) = kept.windows(4).position(|four| four == b"\r\n\r\n") {
            break end + 4;
        }
        more(kept)?;
    };
    let head = String::from_utf8_lossy(&kept[..end]).into_owned();
    let header = |wanted: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim().to_owned())
    };
    let length: usize = header("content-length").map_or(0, |length| length.parse().unwrap());
    while kept.len() < end + length {
        more(kept)?;
    }
    let body = serde_json::from_slice(&kept[end..end + length]).unwrap_or_default();
    kept.drain(..end + length);
    let target = header("x-amz-target").unwrap_or_default();
    Ok(Ask { operation: target.rsplit('.').next().unwrap_or_default().to_owned(), body })
}

/// Writes an answer, or only half of it.
pub fn write(stream: &mut impl Write, answer: &Answer, half: bool) -> io::Result<()> {
    let refused;
    let (status, body) = match answer {
        Ok(body) => (200, body),
        Err(name) => {
            refused = format!("{{\"__type\":\"{name}\",\"message\":\"as the fake has it\"}}").into_bytes();
            (if *name == "InternalFailure" { 500 } else { 400 }, &refused)
        }
    };
    let head = format!(
        "HTTP/1.1 {status} Scripted\r\ncontent-type: application/x-amz-json-1.1\r\n\
         x-amzn-requestid: 00000000-0000-0000-0000-000000000000\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(&body[..if half { body.len() / 2 } else { body.len() }])
}

/// The head before the events of a subscription.
pub fn begin_events(stream: &mut impl Write) -> io::Result<()> {
    stream.write_all(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.amazon.eventstream\r\ntransfer-encoding: chunked\r\n\r\n",
    )
}

/// Writes one event, in a chunk of its own.
pub fn event(stream: &mut impl Write, name: &str, json: &[u8]) -> io::Result<()> {
    let frame = frame(name, json);
    write!(stream, "{:x}\r\n", frame.len())?;
    stream.write_all(&frame)?;
    stream.write_all(b"\r\n")
}

/// Ends the events of a subscription.
pub fn end_events(stream: &mut impl Write) -> io::Result<()> {
    stream.write_all(b"0\r\n\r\n")
}

/// An event as `application/vnd.amazon.eventstream` has it: two lengths and their checksum, headers, body, checksum.
fn frame(name: &str, json: &[u8]) -> Vec<u8> {
    let mut headers = Vec::new();
    let named =
        [(":event-type", name), (":content-type", "application/x-amz-json-1.1"), (":message-type", "event")];
    for (header, value) in named {
        headers.push(header.len() as u8);
        headers.extend_from_slice(header.as_bytes());
        // A text.
        headers.push(7);
        headers.extend_from_slice(&(value.len() as u16).to_be_bytes());
        headers.extend_from_slice(value.as_bytes());
    }
    let total = 16 + headers.len() + json.len();
    let mut frame = Vec::with_capacity(total);
    frame.extend_from_slice(&(total as u32).to_be_bytes());
    frame.extend_from_slice(&(headers.len() as u32).to_be_bytes());
    frame.extend_from_slice(&crc32fast::hash(&frame).to_be_bytes());
    frame.extend_from_slice(&headers);
    frame.extend_from_slice(json);
    frame.extend_from_slice(&crc32fast::hash(&frame).to_be_bytes());
    frame
}
