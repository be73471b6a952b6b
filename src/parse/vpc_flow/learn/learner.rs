//! What the lines of one kind, all with the same number of columns, have shown so far, and what follows from it.

use super::{
    addresses::{self, Sides},
    columns::Cut,
    evidence::{self, fields_of, named, number},
    numbers,
    pairs::Pairs,
    sample::{Room, Sample, Scene},
    search::{Nothing, Search, Solutions},
    texts,
};
use crate::event::{Column, Field, FieldSet, Layout};

/// What is known of one kind of lines.
#[derive(Debug)]
pub(super) struct Learner {
    columns: Vec<Seen>,
    pairs: Pairs,
    sample: Sample,
    /// Lines that were looked at, and those of them that saw traffic.
    lines: u64,
    sighted: u64,
    transit: bool,
    /// Whether a line has shown something new since the last verdict, and after how many lines that was.
    news: bool,
    judged_at: u64,
    /// So many lines more, and it is found out again.
    patience: u64,
    verdict: Verdict,
    rules: Rules,
}

/// What is known of one column.
#[derive(Debug)]
pub(super) struct Seen {
    /// What it can be by what it held.
    pub may: FieldSet,
    /// The first value, where all were the same.
    constant: Option<Box<[u8]>>,
    /// Whether it ever held a value.
    pub valued: bool,
    /// Whether every value would be a time of this century, in seconds.
    times: bool,
}

/// Sets of fields that rules are about.
#[derive(Debug)]
struct Rules {
    /// Never absent in a record that saw traffic.
    always: FieldSet,
    /// Never present in one that did not.
    traffic: FieldSet,
}

/// What follows from what was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nothing yet.
    Open,
    /// No layout of known fields fits.
    Nothing,
    /// These are the layouts that fit.
    Some(Reading),
}

/// All layouts that fit: one of them, and where the others differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    /// A field for each column that ever held a value.
    pub fields: Vec<Option<Field>>,
    /// Columns that can be something else.
    pub doubts: Vec<Doubt>,
}

/// A column that can be several fields, and what makes no difference to a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Doubt {
    pub column: usize,
    /// What it can be.
    pub fields: FieldSet,
    /// Columns that must hold the same as it; `None` where it must hold nothing.
    pub equal: Option<Vec<usize>>,
}

const ALWAYS: [&str; 15] = [
    "version",
    "account-id",
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "start",
    "end",
    "action",
    "log-status",
    "tcp-flags",
    "type",
];
const TRAFFIC: [&str; 25] = [
    "srcaddr",
    "dstaddr",
    "srcport",
    "dstport",
    "protocol",
    "packets",
    "bytes",
    "action",
    "tcp-flags",
    "pkt-srcaddr",
    "pkt-dstaddr",
    "pkt-src-aws-service",
    "pkt-dst-aws-service",
    "traffic-path",
    "reject-reason",
    "encryption-status",
    "next-hop-interface-id",
    "next-hop-subnet-id",
    "next-hop-az-id",
    "next-hop-vpc-id",
    "next-hop-interface-type",
    "packets-lost-no-route",
    "packets-lost-blackhole",
    "packets-lost-mtu-exceeded",
    "packets-lost-ttl-expired",
];
const PATIENCE_MIN: u64 = 8;
const TIMES: FieldSet = FieldSet::of(&[Field::Start, Field::End]);
/// Seconds since 1970.
const CENTURY: std::ops::Range<u64> = 978_307_200..4_102_444_800;
/// Rounds in which what is known of some columns tells of others.
const ROUNDS_MAX: usize = 5;

// === impl Learner ===

impl Learner {
    /// Knows nothing but the number of columns: 128 at most.
    pub(super) fn new(columns: usize, room: Room) -> Self {
        let all = crate::event::FIELDS.iter().fold(FieldSet::default(), |mut all, row| {
            all.insert(row.field);
            all
        });
        let seen = || Seen { may: all, constant: None, valued: false, times: true };
        Self {
            columns: (0..columns).map(|_| seen()).collect(),
            pairs: Pairs::new(columns),
            sample: Sample::new(room),
            lines: 0,
            sighted: 0,
            transit: false,
            news: true,
            judged_at: 0,
            patience: PATIENCE_MIN,
            verdict: Verdict::Open,
            rules: Rules { always: named(&ALWAYS), traffic: named(&TRAFFIC) },
        }
    }

    /// How many lines it has seen.
    pub(super) fn lines(&self) -> u64 {
        self.lines
    }

    /// How many of them saw traffic.
    pub(super) fn sighted(&self) -> u64 {
        self.sighted
    }

    /// What each column has shown.
    pub(super) fn seen(&self) -> &[Seen] {
        &self.columns
    }

    /// Whether a line can be of the same kind as those seen so far.
    pub(super) fn admits(&self, line: Cut<'_>) -> bool {
        line.len() == self.columns.len()
            && self
                .columns
                .iter()
                .zip(line.texts())
                .all(|(seen, text)| text == b"-" || !seen.may.and(fields_of(text)).is_empty())
    }

    /// Learns from a line that has as many columns.
    pub(super) fn observe(&mut self, line: Cut<'_>) {
        self.lines += 1;
        let blind = line.texts().any(|text| matches!(text, b"NODATA" | b"SKIPDATA"));
        let sighted = !blind && line.texts().any(is_address);
        self.sighted += u64::from(sighted);
        for (seen, text) in self.columns.iter_mut().zip(line.texts()) {
            let before = seen.may;
            if text != b"-" {
                seen.hold(text);
                seen.may = if blind { seen.may.without(self.rules.traffic) } else { seen.may };
                self.transit |= evidence::is_transit(text);
            } else if sighted {
                seen.may = seen.may.without(self.rules.always);
            }
            self.news |= before != seen.may;
        }
        if sighted {
            self.pairs.observe(line.texts().enumerate());
            self.news |= self.pairs.take_changed();
            self.sample.add(line);
        }
    }

    /// What follows from all that was seen; found out anew only when there is something new, or enough more: eight lines,
    /// then twice as many each time that they have told nothing.
    pub(super) fn verdict(&mut self) -> &Verdict {
        if self.news || self.lines >= self.judged_at + self.patience {
            self.judge_anew();
        }
        &self.verdict
    }

    /// Finds out what follows from all that was seen, however little of it is new.
    pub(super) fn judge_anew(&mut self) {
        if self.lines == self.judged_at {
            return;
        }
        let verdict = self.judge();
        self.patience = if self.news || verdict != self.verdict { PATIENCE_MIN } else { self.patience * 2 };
        self.judged_at = self.lines;
        self.news = false;
        self.verdict = verdict;
    }

    /// Whether nothing that was seen speaks against `layout`, whose names that the vocabulary does not hold can be anything.
    pub(super) fn allows(&self, layout: &Layout) -> bool {
        if layout.columns().len() != self.columns.len() {
            return false;
        }
        let field = |column: &Column| match column {
            Column::Known { field, .. } => Some(*field),
            Column::Extra(_) => None,
        };
        let fields: Vec<Option<Field>> = layout.columns().iter().map(field).collect();
        let alone = fields
            .iter()
            .zip(&self.columns)
            .all(|(field, seen)| field.is_none_or(|field| seen.may.contains(field)));
        let known = || fields.iter().enumerate().filter_map(|(column, field)| Some((column, (*field)?)));
        let together = known().all(|a| known().all(|b| a.0 >= b.0 || !self.pairs.excludes(a, b)));
        let highest = known().map(|(_, field)| field.info().version).max();
        let version = known().find(|(_, field)| *field == Field::Version);
        let says_so = version
            .is_none_or(|(column, _)| fields.contains(&None) || self.columns[column].version() == highest);
        alone && together && says_so
    }

    fn judge(&self) -> Verdict {
        let columns: Vec<usize> =
            (0..self.columns.len()).filter(|column| self.columns[*column].valued).collect();
        if columns.is_empty() {
            return Verdict::Open;
        }
        let mut may: Vec<FieldSet> = columns.iter().map(|column| self.columns[*column].may).collect();
        let constant: Vec<Option<u8>> =
            columns.iter().map(|column| self.columns[*column].version()).collect();
        let sides = addresses::sides(&self.scene(&columns, &mut may));
        let mut solutions = None;
        for _ in 0..ROUNDS_MAX {
            match self.search(&columns, &may, &constant, &sides) {
                Ok(Solutions { may: narrowed, one }) => {
                    may = narrowed;
                    solutions = Some(one);
                }
                Err(Nothing::Fits) => return Verdict::Nothing,
                Err(Nothing::Found) => return Verdict::Open,
            }
            let mut scene = self.scene(&columns, &mut may);
            numbers::apply(&mut scene);
            texts::apply(&mut scene);
            addresses::own_side(&mut scene, &sides);
            addresses::services(&mut scene);
            if !scene.changed {
                break;
            }
            solutions = None;
        }
        // The last round has changed something that nobody has followed up.
        let Some(one) = solutions else { return Verdict::Open };
        Verdict::Some(self.reading(&columns, &may, &one))
    }

    fn scene<'a>(&'a self, columns: &'a [usize], may: &'a mut [FieldSet]) -> Scene<'a> {
        Scene { lines: self.sample.lines(), columns, may, changed: false }
    }

    fn search(
        &self,
        columns: &[usize],
        may: &[FieldSet],
        constant: &[Option<u8>],
        sides: &Sides,
    ) -> Result<Solutions, Nothing> {
        let times = |column: &usize| if self.columns[*column].times { TIMES } else { FieldSet::default() };
        let likely: Vec<FieldSet> = columns.iter().map(times).collect();
        let search = Search {
            columns,
            may,
            pairs: &self.pairs,
            constant,
            likely: &likely,
            blank: columns.len() < self.columns.len(),
            transit: self.transit,
            same_side: &sides.same,
            other_side: &sides.other,
        };
        search.run()
    }

    fn reading(&self, columns: &[usize], may: &[FieldSet], one: &[Field]) -> Reading {
        let mut fields = vec![None; self.columns.len()];
        columns.iter().zip(one).for_each(|(column, field)| fields[*column] = Some(*field));
        let column_of = |field| fields.iter().position(|other| *other == Some(field));
        let valued = columns.iter().zip(may).filter(|(_, may)| may.len() > 1).map(|(column, may)| {
            let columns: Option<Vec<usize>> = may.iter().map(column_of).collect();
            let equal = columns.map(|columns| columns.into_iter().filter(|other| other != column).collect());
            Doubt { column: *column, fields: *may, equal }
        });
        let blank = self.columns.iter().enumerate().filter(|(_, seen)| !seen.valued);
        let blank = blank.map(|(column, seen)| Doubt { column, fields: seen.may, equal: None });
        let mut doubts: Vec<Doubt> = valued.chain(blank).collect();
        doubts.sort_by_key(|doubt| doubt.column);
        Reading { fields, doubts }
    }
}

fn is_address(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| text.parse::<std::net::IpAddr>().is_ok())
}

// === impl Seen ===

impl Seen {
    fn hold(&mut self, text: &[u8]) {
        if !self.valued {
            self.constant = Some(text.into());
            self.valued = true;
        } else if self.constant.as_deref().is_some_and(|constant| constant != text) {
            self.constant = None;
            // A version never changes.
            self.may = self.may.without(FieldSet::of(&[Field::Version]));
        }
        self.may = self.may.and(fields_of(text));
        self.times &= number(text).is_some_and(|number| CENTURY.contains(&number));
    }

    /// The version that it is, if it is one.
    fn version(&self) -> Option<u8> {
        u8::try_from(number(self.constant.as_deref()?)?).ok()
    }
}

// === impl Reading ===

impl Reading {
    /// Whether every layout that fits reads `line` the same.
    pub(super) fn is_clear(&self, line: Cut<'_>) -> bool {
        self.doubts.iter().all(|doubt| {
            let text = line.text(doubt.column);
            let same = |equal: &Vec<usize>| equal.iter().all(|other| line.text(*other) == text);
            text == b"-" || doubt.equal.as_ref().is_some_and(same)
        })
    }

    /// The layout; a column that never held a value, and so can be anything, has a name of its own.
    pub(super) fn layout(&self) -> Option<Layout> {
        let blank: Vec<String> = (1..=self.fields.len()).map(|number| format!("column-{number}")).collect();
        let name = |(field, blank): (&Option<Field>, &'_ String)| match field {
            Some(field) => field.info().name.to_owned(),
            None => blank.clone(),
        };
        let names: Vec<String> = self.fields.iter().zip(&blank).map(name).collect();
        Layout::of_names(names.iter().map(String::as_str)).ok()
    }
}
