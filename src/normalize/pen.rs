//! The pen that documents are written with: onto a small stage, which stays in the nearest cache, and from there into
//! their buffer.

/// Where a document is written first. Its length is a constant, so that one comparison is all that a piece needs before
/// it is stored; and what is read back (the last comma) was not written to far memory.
pub(super) type Stage = [u8; STAGE];

/// More than nearly every document has.
const STAGE: usize = 8 * 1024;
/// What stays on the stage when it is full: more than [`Pen::enclosed`] takes back.
const TAIL: usize = 128;

/// Writes bytes after those of a buffer. Nothing arrives there before [`Pen::lift`].
pub(super) struct Pen<'a> {
    stage: &'a mut Stage,
    /// How much of the stage is written.
    at: usize,
    /// How often room was made.
    moves: u32,
    out: &'a mut Vec<u8>,
}

/// Where on the stage something stands that is written again.
#[derive(Debug, Clone, Copy)]
pub(super) struct Said {
    from: usize,
    /// How long it is; absent where it cannot be taken from the stage.
    len: Option<usize>,
    moves: u32,
}

/// The longest that can be written again from the stage.
const SAID: usize = 64;

/// An empty stage.
pub(super) fn stage() -> Box<Stage> {
    Box::new([0; STAGE])
}

// === impl Pen ===

impl<'a> Pen<'a> {
    /// Writes after what `out` holds; what stood on `stage` is gone.
    #[inline]
    pub(super) fn new(stage: &'a mut Stage, out: &'a mut Vec<u8>) -> Self {
        Self { stage, at: 0, moves: 0, out }
    }

    /// Puts the written into the buffer.
    #[inline]
    pub(super) fn lift(self) {
        self.out.extend_from_slice(&self.stage[..self.at]);
    }

    /// All that was written, where it still stands on the stage.
    #[inline]
    pub(super) fn whole(&self) -> Option<&[u8]> {
        self.stage.get(..self.at).filter(|_| self.moves == 0)
    }

    /// Writes members that are to be written again later in the document, each with its comma.
    #[inline(always)]
    pub(super) fn put_said(&mut self, write: impl FnOnce(&mut Self)) -> Said {
        let (from, moves) = (self.at, self.moves);
        write(self);
        // Where the stage was full in between, they do not stand there any more; then nothing is remembered. Their last
        // comma is left out: the end of the object takes its place.
        let said = self.stage.get(from..self.at).filter(|said| said.len() <= SAID && moves == self.moves);
        Said { from, len: said.and_then(|said| said.len().checked_sub(1)), moves }
    }

    /// Writes again what `said` tells of, where it still stands on the stage; otherwise `write` does.
    #[inline(always)]
    pub(super) fn put_again(&mut self, said: &Said, write: impl FnOnce(&mut Pen<'_>)) {
        let text = self.stage.get(said.from..said.from + SAID).and_then(<[u8]>::first_chunk::<SAID>).copied();
        match (text, said.len) {
            (Some(text), Some(len)) if said.moves == self.moves => {
                self.put_cut(&text, len);
                self.push(b',');
            }
            _ => self.aside(write),
        }
    }

    /// The buffer's length once this is lifted.
    pub(super) fn end(&self) -> usize {
        self.out.len() + self.at
    }

    /// Writes `bytes`, whose number is known when this is compiled: a few moves and no call.
    #[inline(always)]
    pub(super) fn put<const N: usize>(&mut self, bytes: &[u8; N]) {
        self.put_cut(bytes, N);
    }

    /// Writes the first `len` of `wide`. All of it is stored and what is too much is overwritten by what comes next,
    /// which is a few moves instead of a call.
    #[inline(always)]
    pub(super) fn put_cut<const N: usize>(&mut self, wide: &[u8; N], len: usize) {
        const { assert!(N + TAIL <= STAGE, "a piece is much shorter than the stage") };
        let at = if self.at > STAGE - N { self.spill() } else { self.at };
        self.stage[at..at + N].copy_from_slice(wide);
        debug_assert!(len <= N, "there is no more of it");
        self.at = at + len;
    }

    /// Writes `byte`.
    #[inline(always)]
    pub(super) fn push(&mut self, byte: u8) {
        self.put(&[byte]);
    }

    /// Writes `bytes`.
    #[inline(always)]
    pub(super) fn put_slice(&mut self, bytes: &[u8]) {
        let at = self.at;
        match self.stage.get_mut(at..at + bytes.len()) {
            Some(room) => {
                room.copy_from_slice(bytes);
                self.at = at + bytes.len();
            }
            None => self.aside(|pen| pen.put_long(bytes)),
        }
    }

    /// Writes what is written seldom. A pen stays in registers as long as it is lent to nothing that is called, so what
    /// is called gets one of its own.
    #[inline(always)]
    pub(super) fn aside(&mut self, write: impl FnOnce(&mut Pen<'_>)) {
        let mut other = Pen { stage: &mut *self.stage, at: self.at, moves: self.moves, out: &mut *self.out };
        write(&mut other);
        (self.at, self.moves) = (other.at, other.moves);
    }

    /// The byte written last, if it still stands on the stage; 0 where nothing was written.
    #[inline(always)]
    fn last(&self) -> u8 {
        self.at.checked_sub(1).and_then(|last| self.stage.get(last)).copied().unwrap_or(0)
    }

    /// Takes back the comma that the last member has after it.
    #[inline(always)]
    fn take_comma(&mut self) {
        self.at -= usize::from(self.last() == b',');
    }

    /// Ends the object that the last bytes are in: its last member's comma becomes its brace. A comma follows, as it
    /// follows every member.
    #[inline(always)]
    pub(super) fn close(&mut self) {
        self.close_with(b"},");
    }

    /// Ends what the last bytes are in with `end`, in place of its last member's comma.
    #[inline(always)]
    pub(super) fn close_with<const N: usize>(&mut self, end: &[u8; N]) {
        self.take_comma();
        self.put(end);
    }

    /// Ends the document: as [`Pen::close`], with a line feed instead of the comma.
    #[inline(always)]
    pub(super) fn end_line(&mut self) {
        self.take_comma();
        self.put(b"}\n");
    }

    /// Writes an object that `begin` opens and `members` fills; nothing at all where there is no member.
    #[inline(always)]
    pub(super) fn object<const B: usize>(&mut self, begin: &[u8; B], members: impl FnOnce(&mut Self)) {
        self.enclosed(begin, b"},", members);
    }

    /// Writes what `begin` opens, `members` fill, each with a comma after it, and `end` closes, which takes the place of
    /// the last comma; nothing at all where there is no member.
    #[inline(always)]
    pub(super) fn enclosed<const B: usize, const E: usize>(
        &mut self,
        begin: &[u8; B],
        end: &[u8; E],
        members: impl FnOnce(&mut Self),
    ) {
        const { assert!(B <= TAIL, "what begins an object can be taken back") };
        self.put(begin);
        members(self);
        if self.last() == b',' {
            self.at -= 1;
            self.put(end);
        } else {
            self.at -= B;
        }
    }

    /// Makes room; returns where to go on.
    #[cold]
    fn make_room(stage: &mut Stage, at: usize, out: &mut Vec<u8>) -> usize {
        let moved = at.saturating_sub(TAIL);
        out.extend_from_slice(&stage[..moved]);
        stage.copy_within(moved..at, 0);
        at - moved
    }

    /// [`Pen::make_room`]; the pen itself stays in registers.
    #[inline(always)]
    fn spill(&mut self) -> usize {
        self.moves += 1;
        Self::make_room(self.stage, self.at, self.out).min(TAIL)
    }

    #[cold]
    fn put_long(&mut self, bytes: &[u8]) {
        for part in bytes.chunks(STAGE - TAIL) {
            let at = self.spill();
            self.stage[at..at + part.len()].copy_from_slice(part);
            self.at = at + part.len();
        }
    }
}

#[cfg(test)]
pub(super) fn written(write: impl FnOnce(&mut Pen<'_>)) -> Vec<u8> {
    let (mut stage, mut out) = (stage(), Vec::new());
    let mut pen = Pen::new(&mut stage, &mut out);
    write(&mut pen);
    pen.lift();
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_object_without_members_is_not_written() {
        let out = written(|pen| {
            pen.push(b'{');
            pen.object(b"\"a\":{", |_| {});
            pen.object(b"\"b\":{", |pen| pen.put(b"\"c\":1,"));
            pen.end_line();
        });
        assert_eq!(out, b"{\"b\":{\"c\":1}}\n");
    }

    #[test]
    fn what_a_buffer_held_before_stays_there() {
        let (mut stage, mut out) = (stage(), b"before ".to_vec());
        let mut pen = Pen::new(&mut stage, &mut out);
        pen.put(b"after");
        assert_eq!(pen.end(), 12);
        pen.lift();
        assert_eq!(out, b"before after");
    }

    #[test]
    fn what_was_said_is_said_again_whether_it_still_stands_on_the_stage_or_not() {
        for between in [0, 100, STAGE, 3 * STAGE] {
            for before in [0, STAGE - 8, STAGE - 4, STAGE - 2, STAGE] {
                let out = written(|pen| {
                    pen.put_slice(&vec![b'.'; before]);
                    let put = |pen: &mut Pen<'_>| {
                        pen.put(b"bytes");
                        pen.put(b",");
                    };
                    let mut said = None;
                    pen.object(b"{", |pen| said = Some(pen.put_said(|pen| pen.aside(put))));
                    pen.put_slice(&vec![b'-'; between]);
                    pen.put_again(&said.unwrap(), put);
                });
                let expected = [&vec![b'.'; before][..], b"{bytes},", &vec![b'-'; between], b"bytes,"];
                assert_eq!(out, expected.concat(), "{before} {between}");
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_arrives_whole_however_much_longer_than_the_stage(
            lens in proptest::collection::vec(prop_oneof![0..200_usize, 7_900..8_300_usize, 0..30_000_usize], 0..40),
            wide in any::<[u8; 32]>(),
        ) {
            let mut expected = Vec::new();
            let out = written(|pen| {
                for (index, len) in lens.iter().enumerate() {
                    let text = vec![b'a' + (index % 26) as u8; *len];
                    // An object that turns out empty is taken back, wherever the stage ends.
                    pen.object(b"\"object\":{", |_| {});
                    pen.put_slice(&text);
                    pen.put_cut(&wide, len % 33);
                    pen.put(b"end,");
                    pen.close();
                    expected.extend_from_slice(&text);
                    expected.extend_from_slice(&wide[..len % 33]);
                    expected.extend_from_slice(b"end},");
                }
            });
            prop_assert_eq!(out, expected);
        }
    }
}
