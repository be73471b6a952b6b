//! Reads JSON from its first byte to its last without holding it: what is wanted is taken, the rest is checked and
//! passed over.

use std::io::Read;

use memchr::memchr2;
use serde::de::IgnoredAny;

use super::error::BodyError;
use crate::codec::Inflate;

/// JSON text as it is read.
pub(super) struct Scan<R: Read> {
    inflate: Inflate<R>,
    block: Box<[u8]>,
    at: usize,
    filled: usize,
    bytes_max: u64,
    /// What is passed over goes here too, while there is one.
    copy: Option<Capped>,
}

/// Bytes up to a limit; what comes after is counted and left out.
#[derive(Debug, Default)]
pub(super) struct Capped {
    pub(super) bytes: Vec<u8>,
    pub(super) most: usize,
    /// Whether something was left out.
    pub(super) is_cut: bool,
}

const BLOCK_BYTES: usize = 64 << 10;
/// Objects and lists inside each other; a body of Firehose has three.
const DEPTH_MAX: u32 = 64;
/// Longer than any number that means something.
const SCALAR_BYTES_MAX: usize = 128;
/// Longer than any key that is asked for.
const KEY_BYTES_MAX: usize = 32;

// === impl Scan ===

impl<R: Read> Scan<R> {
    /// Reads what `reader` holds, plain or compressed, up to `bytes_max` bytes of it decompressed.
    pub(super) fn new(reader: R, bytes_max: u64) -> Self {
        let block = vec![0; BLOCK_BYTES].into_boxed_slice();
        Self { inflate: Inflate::new(reader), block, at: 0, filled: 0, bytes_max, copy: None }
    }

    /// Goes through an object. `each` is given its keys, and reads the value of each.
    pub(super) fn object(
        &mut self,
        mut each: impl FnMut(&mut Self, &[u8]) -> Result<(), BodyError>,
    ) -> Result<(), BodyError> {
        self.expect(b'{', "`{`")?;
        if self.takes(b'}')? {
            return Ok(());
        }
        loop {
            let mut key = Capped::of(KEY_BYTES_MAX);
            self.string(&mut key)?;
            self.expect(b':', "`:`")?;
            each(self, if key.is_cut { b"" } else { &key.bytes })?;
            if !self.takes(b',')? {
                return self.expect(b'}', "`,` or `}`");
            }
        }
    }

    /// Goes through a list. `each` reads one element.
    pub(super) fn list(
        &mut self,
        mut each: impl FnMut(&mut Self) -> Result<(), BodyError>,
    ) -> Result<(), BodyError> {
        self.expect(b'[', "`[`")?;
        if self.takes(b']')? {
            return Ok(());
        }
        loop {
            each(self)?;
            if !self.takes(b',')? {
                return self.expect(b']', "`,` or `]`");
            }
        }
    }

    /// The first byte of the next value, which is not taken.
    pub(super) fn begins(&mut self) -> Result<u8, BodyError> {
        self.space()?;
        self.peek()?.ok_or_else(|| self.broken("a value"))
    }

    /// Appends the text of a string, without its escapes, to `out`.
    pub(super) fn string(&mut self, out: &mut Capped) -> Result<(), BodyError> {
        self.expect(b'"', "a string")?;
        loop {
            let rest = self.rest("the end of a string")?;
            let run = memchr2(b'"', b'\\', rest).unwrap_or(rest.len());
            out.push(&rest[..run]);
            let stop = rest.get(run).copied();
            self.advance(run);
            match stop {
                None => {}
                Some(b'"') => {
                    self.advance(1);
                    return Ok(());
                }
                Some(_) => {
                    self.advance(1);
                    self.escape(out)?;
                }
            }
        }
    }

    /// Passes over a value of any kind and gives out its text, up to `most` bytes.
    pub(super) fn raw(&mut self, most: usize) -> Result<Capped, BodyError> {
        self.space()?;
        self.copy = Some(Capped::of(most));
        self.skip()?;
        Ok(self.copy.take().unwrap_or_default())
    }

    /// Passes over a value of any kind.
    pub(super) fn skip(&mut self) -> Result<(), BodyError> {
        self.skip_below(0)
    }

    /// Makes sure that nothing but white space is left.
    pub(super) fn end(&mut self) -> Result<(), BodyError> {
        self.space()?;
        if self.peek()?.is_some() { Err(self.broken("the end of the body")) } else { Ok(()) }
    }

    fn skip_below(&mut self, depth: u32) -> Result<(), BodyError> {
        if depth > DEPTH_MAX {
            return Err(BodyError::Deep { offset: self.offset() });
        }
        match self.begins()? {
            b'{' => self.object(|scan, _| scan.skip_below(depth + 1)),
            b'[' => self.list(|scan| scan.skip_below(depth + 1)),
            b'"' => self.string(&mut Capped::of(0)),
            _ => self.scalar(),
        }
    }

    /// A number, `true`, `false` or `null`.
    fn scalar(&mut self) -> Result<(), BodyError> {
        let mut text = Vec::new();
        while let Some(byte) = self.peek()? {
            if !(byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) || text.len() == SCALAR_BYTES_MAX {
                break;
            }
            text.push(byte);
            self.advance(1);
        }
        match serde_json::from_slice::<IgnoredAny>(&text) {
            Ok(_) => Ok(()),
            Err(_) => Err(self.broken("a value")),
        }
    }

    /// What stands after a backslash.
    fn escape(&mut self, out: &mut Capped) -> Result<(), BodyError> {
        let letter = self.rest("an escape")?[0];
        self.advance(1);
        let byte = match letter {
            b'"' | b'\\' | b'/' => letter,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            b'u' => return self.escaped_unit(out),
            _ => return Err(self.broken("an escape")),
        };
        out.push(&[byte]);
        Ok(())
    }

    /// What stands after `\u`. Halves of a pair are told apart by nobody who asks here: each stays a question mark.
    fn escaped_unit(&mut self, out: &mut Capped) -> Result<(), BodyError> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = char::from(self.rest("an escape")?[0]).to_digit(16);
            unit = unit << 4 | digit.ok_or_else(|| self.broken("an escape"))?;
            self.advance(1);
        }
        let letter = char::from_u32(unit).unwrap_or('?');
        out.push(letter.encode_utf8(&mut [0; 4]).as_bytes());
        Ok(())
    }

    fn expect(&mut self, byte: u8, what: &'static str) -> Result<(), BodyError> {
        if self.takes(byte)? { Ok(()) } else { Err(self.broken(what)) }
    }

    /// Takes `byte` after white space, if it is what comes next.
    fn takes(&mut self, byte: u8) -> Result<bool, BodyError> {
        self.space()?;
        let found = self.peek()? == Some(byte);
        self.advance(usize::from(found));
        Ok(found)
    }

    fn space(&mut self) -> Result<(), BodyError> {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek()? {
            self.advance(1);
        }
        Ok(())
    }

    fn peek(&mut self) -> Result<Option<u8>, BodyError> {
        if self.at == self.filled {
            self.fill()?;
        }
        Ok(self.block[..self.filled].get(self.at).copied())
    }

    /// What is read and not taken: at least one byte.
    fn rest(&mut self, what: &'static str) -> Result<&[u8], BodyError> {
        if self.peek()?.is_none() {
            return Err(self.broken(what));
        }
        Ok(&self.block[self.at..self.filled])
    }

    fn advance(&mut self, count: usize) {
        if let Some(copy) = &mut self.copy {
            copy.push(&self.block[self.at..self.at + count]);
        }
        self.at += count;
    }

    fn fill(&mut self) -> Result<(), BodyError> {
        self.filled = self.inflate.read(&mut self.block)?;
        self.at = 0;
        if self.inflate.offset() > self.bytes_max {
            return Err(BodyError::TooLarge { bytes_max: self.bytes_max });
        }
        Ok(())
    }

    fn broken(&self, expected: &'static str) -> BodyError {
        BodyError::Syntax { offset: self.offset(), expected }
    }

    fn offset(&self) -> u64 {
        self.inflate.offset() - (self.filled - self.at) as u64
    }
}

// === impl Capped ===

impl Capped {
    /// Nothing yet, of `most` bytes at most.
    pub(super) fn of(most: usize) -> Self {
        Self { bytes: Vec::new(), most, is_cut: false }
    }

    /// Empties it.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.is_cut = false;
    }

    fn push(&mut self, bytes: &[u8]) {
        let kept = bytes.len().min(self.most - self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..kept]);
        self.is_cut |= kept < bytes.len();
    }
}
