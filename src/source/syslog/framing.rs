//! Framing: a stream of bytes, cut anywhere, becomes frames, each counted (octet counting) or ended by a line feed.
//!
//! RFC 6587 names both ways, and what comes next tells which: a count, a space and `<` begin a counted frame, anything
//! else a line. It is asked at each frame, so one connection may mix them. A line that begins with a number, as a flow log's
//! does, is no counted frame, because none of it is `<`.

/// One frame as it came, without its count or its line feed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its bytes; of one longer than the limit, the first ones up to the limit.
    pub bytes: &'a [u8],
    /// How many bytes came of it.
    pub length: u64,
    /// How many bytes it should have, where it ended before it was whole.
    pub missing: Option<Missing>,
}

/// What was to come when a frame broke off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// This many bytes, as its count said.
    Bytes(u64),
    /// Its line feed.
    LineFeed,
}

/// Cuts one stream into frames and holds back what is not whole: at most the limit.
#[derive(Debug)]
pub struct Frames {
    limit: usize,
    state: State,
    /// What has come of the open frame, up to the limit; of one whose kind is not known, all that has come.
    held: Vec<u8>,
    /// How many bytes have come of the open frame.
    come: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between two frames.
    Between,
    /// Behind a counted frame, which some senders end with a line feed that their count leaves out.
    BehindCounted,
    /// A count may have begun; it is in `held`.
    Deciding,
    /// In a frame of this many bytes.
    Counted(u64),
    /// In a frame that a line feed ends.
    Line,
}

/// What a frame begins with.
enum Opening {
    /// A count of these many bytes, and behind it the frame, this many bytes on.
    Counted(u64, usize),
    Line,
    /// More must come to tell.
    Open,
}

/// The most digits of a count: no sender's frames have ten million bytes, and of a count that lies no more than that is
/// believed.
const DIGITS_MAX: usize = 7;
/// What a frame that was held back may leave behind as room for the next one.
const ROOM_KEPT: usize = 4 << 10;

// === impl Frames ===

impl Frames {
    /// A stream that has not begun, and whose frames have at most `limit` bytes.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, state: State::Between, held: Vec::new(), come: 0 }
    }

    /// Gives every frame that `block` completes to `take`, in order.
    pub fn push(&mut self, block: &[u8], take: &mut impl FnMut(Frame<'_>)) {
        let mut rest = block;
        while !rest.is_empty() {
            rest = match self.state {
                State::Between | State::BehindCounted => self.begin(rest),
                State::Deciding => self.decide(rest),
                State::Counted(length) => self.counted(length, rest, take),
                State::Line => self.line(rest, take),
            };
        }
    }

    /// The stream has ended: gives what is left of it to `take`. Behind a clean end a last line without a line feed is
    /// whole; where the stream broke off, it is not.
    pub fn finish(&mut self, clean: bool, take: &mut impl FnMut(Frame<'_>)) {
        let missing = match self.state {
            State::Between | State::BehindCounted => return,
            State::Counted(length) => Some(Missing::Bytes(length - self.come)),
            State::Deciding | State::Line => (!clean).then_some(Missing::LineFeed),
        };
        self.close(State::Between, missing, take);
    }

    /// Whether a frame has begun and is not whole.
    #[must_use]
    pub fn is_open(&self) -> bool {
        !matches!(self.state, State::Between | State::BehindCounted)
    }

    fn begin<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        if self.state == State::BehindCounted && rest[0] == b'\n' {
            self.state = State::Between;
            return &rest[1..];
        }
        match opening(rest) {
            Opening::Counted(length, skip) => {
                self.state = State::Counted(length);
                &rest[skip..]
            }
            Opening::Line => {
                self.state = State::Line;
                rest
            }
            Opening::Open => {
                self.state = State::Deciding;
                self.hold(rest, usize::MAX);
                &[]
            }
        }
    }

    /// Takes one byte, until what `held` begins with is clear.
    fn decide<'a>(&mut self, rest: &'a [u8]) -> &'a [u8] {
        self.held.push(rest[0]);
        let (length, skip) = match opening(&self.held) {
            Opening::Open => {
                self.come += 1;
                return &rest[1..];
            }
            Opening::Counted(length, skip) => (Some(length), skip),
            Opening::Line => (None, 0),
        };
        // The byte that told belongs to the frame, and may be the line feed that ends it.
        self.held.pop();
        match length {
            Some(length) => {
                debug_assert_eq!(skip, self.held.len(), "the count is held, and the frame begins behind it");
                self.held.clear();
                self.come = 0;
                self.state = State::Counted(length);
            }
            None => {
                self.held.truncate(self.limit);
                self.state = State::Line;
            }
        }
        rest
    }

    fn counted<'a>(&mut self, length: u64, rest: &'a [u8], take: &mut impl FnMut(Frame<'_>)) -> &'a [u8] {
        let left = usize::try_from(length - self.come).unwrap_or(usize::MAX);
        if rest.len() < left {
            self.hold(rest, self.limit);
            return &[];
        }
        let (last, rest) = rest.split_at(left);
        self.end(last, State::BehindCounted, take);
        rest
    }

    fn line<'a>(&mut self, rest: &'a [u8], take: &mut impl FnMut(Frame<'_>)) -> &'a [u8] {
        let Some(end) = memchr::memchr(b'\n', rest) else {
            self.hold(rest, self.limit);
            return &[];
        };
        self.end(&rest[..end], State::Between, take);
        &rest[end + 1..]
    }

    /// The open frame ends with `last`.
    fn end(&mut self, last: &[u8], next: State, take: &mut impl FnMut(Frame<'_>)) {
        if self.come == 0 {
            // Nothing of it is held: it is given out where it lies.
            let bytes = &last[..last.len().min(self.limit)];
            self.state = next;
            return take(Frame { bytes, length: last.len() as u64, missing: None });
        }
        self.hold(last, self.limit);
        self.close(next, None, take);
    }

    fn close(&mut self, next: State, missing: Option<Missing>, take: &mut impl FnMut(Frame<'_>)) {
        let kept = self.held.len().min(self.limit);
        take(Frame { bytes: &self.held[..kept], length: self.come, missing });
        self.held.clear();
        self.held.shrink_to(ROOM_KEPT);
        self.come = 0;
        self.state = next;
    }

    /// Keeps `part` of the open frame, as far as `limit` lets it.
    fn hold(&mut self, part: &[u8], limit: usize) {
        let room = limit.saturating_sub(self.held.len());
        self.held.extend_from_slice(&part[..part.len().min(room)]);
        self.come += part.len() as u64;
    }
}

/// What `bytes`, of which there is one at least, begin with: `MSG-LEN SP` and the `<` of a priority (RFC 6587, section
/// 3.4.1), or a line.
fn opening(bytes: &[u8]) -> Opening {
    if !matches!(bytes[0], b'1'..=b'9') {
        return Opening::Line;
    }
    let digits = bytes.iter().take(DIGITS_MAX + 1).take_while(|byte| byte.is_ascii_digit()).count();
    if digits > DIGITS_MAX {
        return Opening::Line;
    }
    match (bytes.get(digits), bytes.get(digits + 1)) {
        (None, _) | (Some(b' '), None) => Opening::Open,
        (Some(b' '), Some(b'<')) => {
            let number = |sum: u64, digit: &u8| sum * 10 + u64::from(digit - b'0');
            Opening::Counted(bytes[..digits].iter().fold(0, number), digits + 1)
        }
        _ => Opening::Line,
    }
}

#[cfg(test)]
mod tests;
