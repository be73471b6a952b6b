//! A line cut into its columns.

/// Where the columns of one line stand. Kept and filled again, so that nothing is allocated for a line.
#[derive(Debug, Default)]
pub(super) struct Columns {
    spans: Vec<(u32, u32)>,
}

/// A line and its columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cut<'a> {
    line: &'a [u8],
    spans: &'a [(u32, u32)],
}

/// A line that is kept.
#[derive(Debug)]
pub(super) struct Kept {
    line: Box<[u8]>,
    spans: Box<[(u32, u32)]>,
}

/// More columns than this are not told apart: no layout has so many.
const COLUMNS_MAX: usize = crate::event::Layout::COLUMNS_MAX + 1;

// === impl Columns ===

impl Columns {
    /// Cuts `line` at its spaces and tabs, as parsing does.
    pub(super) fn cut<'a>(&'a mut self, line: &'a [u8]) -> Cut<'a> {
        self.spans.clear();
        let mut start = 0;
        for gap in memchr::memchr2_iter(b' ', b'\t', line).chain([line.len()]) {
            if gap > start {
                self.spans.push((start as u32, gap as u32));
                if self.spans.len() == COLUMNS_MAX {
                    break;
                }
            }
            start = gap + 1;
        }
        Cut { line, spans: &self.spans }
    }
}

// === impl Cut ===

impl<'a> Cut<'a> {
    /// The line, to be looked at again.
    pub(super) fn keep(self) -> Kept {
        Kept { line: self.line.into(), spans: self.spans.into() }
    }

    /// How many columns the line has.
    pub(super) fn len(self) -> usize {
        self.spans.len()
    }

    /// The text of a column; empty where the line has no such column.
    pub(super) fn text(self, column: usize) -> &'a [u8] {
        self.spans.get(column).map_or(&[], |(start, end)| &self.line[*start as usize..*end as usize])
    }

    /// Whether a column holds no value.
    pub(super) fn is_absent(self, column: usize) -> bool {
        self.text(column) == b"-"
    }

    /// The texts of all columns, in order.
    pub(super) fn texts(self) -> impl Iterator<Item = &'a [u8]> {
        (0..self.len()).map(move |column| self.text(column))
    }
}

// === impl Kept ===

impl Kept {
    /// The bytes that it takes in memory.
    pub(super) fn size(&self) -> usize {
        size_of::<Self>() + self.line.len() + size_of_val(&*self.spans)
    }

    /// The line and its columns.
    pub(super) fn cut(&self) -> Cut<'_> {
        Cut { line: &self.line, spans: &self.spans }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_between_runs_of_spaces_and_tabs() {
        let mut columns = Columns::default();
        let cut = columns.cut(b"  2 \t- eni-1  OK ");
        let texts: Vec<_> = cut.texts().collect();
        assert_eq!(texts, [b"2".as_slice(), b"-", b"eni-1", b"OK"]);
        assert!(cut.is_absent(1) && !cut.is_absent(0) && !cut.is_absent(9));
        assert_eq!(
            columns.cut(&b"x ".repeat(10_000)).len(),
            COLUMNS_MAX,
            "no line takes more room than this"
        );
    }
}
