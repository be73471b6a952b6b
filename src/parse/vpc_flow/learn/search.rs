//! Which fields each column can be in some layout that fits everything seen: a search over layouts that stops early.

use super::{
    evidence::named,
    pairs::{Pairs, RULES},
};
use crate::event::{FIELDS, Field, FieldSet};

/// What is searched: the columns that held a value, what each can be by itself, and what two cannot be together.
pub(super) struct Search<'a> {
    /// Numbers of the columns, for `pairs`.
    pub columns: &'a [usize],
    /// What each of them can be.
    pub may: &'a [FieldSet],
    pub pairs: &'a Pairs,
    /// For each column whose every value was one small number: that number.
    pub constant: &'a [Option<u8>],
    /// What each of them probably is, which decides which layout is named first and never whether one fits.
    pub likely: &'a [FieldSet],
    /// Whether there are columns besides, which never held a value and can be anything.
    pub blank: bool,
    /// Whether a transit gateway wrote the log.
    pub transit: bool,
    /// Pairs of columns, by their places in `columns`, that are on one side of the flow; and on two.
    pub same_side: &'a [(usize, usize)],
    pub other_side: &'a [(usize, usize)],
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Solutions {
    /// For each column, the fields that it is in some layout that fits.
    pub may: Vec<FieldSet>,
    /// One layout that fits: a field for each column.
    pub one: Vec<Field>,
}

/// Why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Nothing {
    /// No layout fits.
    Fits,
    /// It would take too long to say.
    Found,
}

/// Which column is the version, and what it says.
#[derive(Debug, Clone, Copy)]
struct Claim {
    column: Option<usize>,
    version: u8,
}

/// Steps of one search before it gives up; what is not found to be impossible by then counts as possible.
const STEPS_MAX: u32 = 20_000;
/// The version of transit gateways' logs.
const TRANSIT: u8 = 6;

struct Run<'a> {
    search: &'a Search<'a>,
    /// The version that some column must have a field of, where no column is sure to have one: those are tried first.
    wanted: Option<u8>,
    steps: &'a mut u32,
    source: FieldSet,
    destination: FieldSet,
}

// === impl Search ===

impl Search<'_> {
    /// The fields that each column is in some layout that fits all that was seen.
    pub(super) fn run(&self) -> Result<Solutions, Nothing> {
        let mut steps = STEPS_MAX;
        let mut all: Option<Solutions> = None;
        for claim in self.claims() {
            let Some(found) = self.of_claim(claim, &mut steps) else { continue };
            match &mut all {
                None => all = Some(found),
                Some(all) => all.may.iter_mut().zip(found.may).for_each(|(all, may)| *all = all.or(may)),
            }
        }
        all.ok_or(if steps == 0 { Nothing::Found } else { Nothing::Fits })
    }

    /// The layouts in which `claim` is right.
    fn of_claim(&self, claim: Claim, steps: &mut u32) -> Option<Solutions> {
        let domains = self.claimed(claim);
        // Whether the column that has it is that field in every layout is not asked.
        let has_version =
            |domain: &FieldSet| domain.iter().any(|field| field.info().version == claim.version);
        if claim.column.is_some() && !self.blank && !domains.iter().any(has_version) {
            return None;
        }
        let is_sure = |domain: &FieldSet| domain.iter().all(|field| field.info().version == claim.version);
        let wanted = Some(claim.version).filter(|_| claim.column.is_some() && !domains.iter().any(is_sure));
        let mut one = vec![None; domains.len()];
        let mut may = vec![FieldSet::default(); domains.len()];
        for part in self.parts(&domains) {
            let mut run = Run::new(self, wanted, steps);
            let mut layout = vec![None; domains.len()];
            // What is not of this part is not looked at.
            if !run.complete(&part, domains.clone(), &mut layout) {
                return None;
            }
            part.iter().for_each(|column| one[*column] = layout[*column]);
            add(&mut may, &layout);
            for column in &part {
                for field in domains[*column].iter() {
                    if may[*column].contains(field) {
                        continue;
                    }
                    let mut forced = domains.clone();
                    forced[*column] = FieldSet::of(&[field]);
                    let mut layout = vec![None; domains.len()];
                    if run.complete(&part, forced, &mut layout) {
                        add(&mut may, &layout);
                    } else if *run.steps == 0 {
                        may[*column].insert(field);
                    }
                }
            }
        }
        Some(Solutions { may, one: one.into_iter().flatten().collect() })
    }

    /// The columns in parts that have nothing to do with each other: no field that two could be, and no rule between them.
    fn parts(&self, domains: &[FieldSet]) -> Vec<Vec<usize>> {
        let sides = named(&["srcaddr", "dstaddr", "pkt-srcaddr", "pkt-dstaddr"]);
        let reach = domains.iter().map(|domain| {
            let with_rule = |reach: FieldSet, (one, other): (Field, Field)| {
                let pair = FieldSet::of(&[one, other]);
                if reach.and(pair).is_empty() { reach } else { reach.or(pair) }
            };
            let reach = RULES.iter().map(|rule| (rule.one, rule.other)).fold(*domain, with_rule);
            if reach.and(sides).is_empty() { reach } else { reach.or(sides) }
        });
        let mut parts: Vec<(FieldSet, Vec<usize>)> = Vec::new();
        for (column, reach) in reach.enumerate() {
            let mut part = (reach, vec![column]);
            for (other, columns) in std::mem::take(&mut parts) {
                if other.and(part.0).is_empty() {
                    parts.push((other, columns));
                } else {
                    part = (part.0.or(other), [columns, part.1].concat());
                }
            }
            parts.push(part);
        }
        parts.into_iter().map(|(_, columns)| columns).collect()
    }

    /// Every column that can be the version, and that there is none.
    fn claims(&self) -> Vec<Claim> {
        let highest = FIELDS.iter().map(|row| row.version).max().unwrap_or(u8::MAX);
        let versions =
            self.may.iter().zip(self.constant).enumerate().filter_map(|(column, (may, constant))| {
                let version = constant.filter(|version| *version <= highest)?;
                // What only a transit gateway writes is told by its ids.
                (may.contains(Field::Version) && (version != TRANSIT || self.transit))
                    .then_some(Claim { column: Some(column), version })
            });
        versions.chain([Claim { column: None, version: highest }]).collect()
    }

    /// What each column can be, if `claim` is right.
    fn claimed(&self, claim: Claim) -> Vec<FieldSet> {
        let mut fields = FieldSet::default();
        for row in FIELDS {
            let of_log =
                row.version != TRANSIT || claim.version == TRANSIT || claim.column.is_none() && self.transit;
            if row.version <= claim.version && of_log && row.field != Field::Version {
                fields.insert(row.field);
            }
        }
        let only =
            |column| if claim.column == Some(column) { FieldSet::of(&[Field::Version]) } else { fields };
        self.may.iter().enumerate().map(|(column, may)| may.and(only(column))).collect()
    }
}

// === impl Run ===

impl<'a> Run<'a> {
    fn new(search: &'a Search<'a>, wanted: Option<u8>, steps: &'a mut u32) -> Self {
        let source = named(&["srcaddr", "pkt-srcaddr"]);
        let destination = named(&["dstaddr", "pkt-dstaddr"]);
        Self { search, wanted, steps, source, destination }
    }

    /// Whether the columns of `part` that have no field in `layout` yet can be given one each.
    fn complete(&mut self, part: &[usize], domains: Vec<FieldSet>, layout: &mut Vec<Option<Field>>) -> bool {
        let Some(left) = self.steps.checked_sub(1) else { return false };
        *self.steps = left;
        let open = part.iter().copied().filter(|column| layout[*column].is_none());
        let Some(column) = open.min_by_key(|column| domains[*column].len()) else { return true };
        let mut fields: Vec<Field> = domains[column].iter().collect();
        fields.sort_by_key(|field| {
            let wanted = self.wanted == Some(field.info().version);
            (!wanted, !self.search.likely[column].contains(*field))
        });
        for field in fields {
            let mut next = domains.clone();
            layout[column] = Some(field);
            if self.narrow(part, &mut next, layout, (column, field)) && self.complete(part, next, layout) {
                return true;
            }
            layout[column] = None;
        }
        false
    }

    /// Takes from the open columns what they cannot be while `column` is `field`; whether each still can be something.
    fn narrow(
        &self,
        part: &[usize],
        domains: &mut [FieldSet],
        layout: &[Option<Field>],
        (column, field): (usize, Field),
    ) -> bool {
        let Search { columns, pairs, same_side, other_side, .. } = self.search;
        let taken = FieldSet::of(&[field]);
        for other in part.iter().copied().filter(|other| layout[*other].is_none()) {
            let domain = &mut domains[other];
            *domain = domain.without(taken);
            for (number, rule) in RULES.iter().enumerate() {
                if rule.one == field && pairs.clash(number, columns[column], columns[other]) {
                    *domain = domain.without(FieldSet::of(&[rule.other]));
                }
                if rule.other == field && pairs.clash(number, columns[other], columns[column]) {
                    *domain = domain.without(FieldSet::of(&[rule.one]));
                }
            }
            let beside = |pairs: &[(usize, usize)]| {
                pairs.contains(&(column, other)) || pairs.contains(&(other, column))
            };
            let (own, far) = match field {
                field if self.source.contains(field) => (self.source, self.destination),
                field if self.destination.contains(field) => (self.destination, self.source),
                _ => (FieldSet::default(), FieldSet::default()),
            };
            if beside(same_side) {
                *domain = domain.without(far);
            }
            if beside(other_side) {
                *domain = domain.without(own);
            }
            if domain.is_empty() {
                return false;
            }
        }
        true
    }
}

/// Adds what the columns are in `layout` to what they can be.
fn add(may: &mut [FieldSet], layout: &[Option<Field>]) {
    for (may, field) in may.iter_mut().zip(layout) {
        field.iter().for_each(|field| may.insert(*field));
    }
}
